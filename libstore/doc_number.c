/* doc_number.c - numbers by their decimal text: exact at any length and any exponent. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "doc_private.h"

#define DOUBLE_DIGITS 800     /* beyond 768 no digit but "some more" can change a double */
#define MODULUS_DIGITS 37     /* ten times a modulus of these still fits 128 bits */
#define DOUBLE_POINT_MAX 309  /* DBL_MAX is 0.17976... times ten to this power */
#define DOUBLE_POINT_MIN (-400)

typedef unsigned __int128 wide;

/* Reads the digits of an exponent; false if there are too many (leading zeros aside). */
static bool read_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = *at == '-';
    int64_t value = 0;
    bool fits;

    if (*at == '-' || *at == '+')
        at++;
    while (at < end && *at == '0')
        at++;
    fits = end - at <= DECIMAL_EXPONENT_DIGITS;
    for (; at < end && fits; at++)
        value = value * 10 + (*at - '0');
    if (!fits)
        value = 999999999999999999;
    *out = negative ? -value : value;
    return fits;
}

static size_t digit_run(const char *at, const char *end)
{
    const char *start = at;

    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return (size_t)(at - start);
}

unsigned decimal_digit(const struct decimal *d, size_t i)
{
    i += d->first;
    return (unsigned)((i < d->whole_size ? d->whole[i] : d->fraction[i - d->whole_size]) - '0');
}

bool decimal_read(struct decimal *out, struct slice number)
{
    const char *at = number.data;
    const char *end = at + number.size;
    size_t fraction_size = 0;
    int64_t exponent = 0;
    bool fits = true;

    *out = (struct decimal){ .negative = *at == '-' };
    at += out->negative;
    out->whole = at;
    out->whole_size = digit_run(at, end);
    at += out->whole_size;
    out->fraction = at; /* none yet */
    if (at < end && *at == '.') {
        out->fraction = at + 1;
        fraction_size = digit_run(out->fraction, end);
        at = out->fraction + fraction_size;
    }
    if (at < end)
        fits = read_exponent(at + 1, end, &exponent);
    out->count = out->whole_size + fraction_size;
    while (out->count > 0 && decimal_digit(out, 0) == 0) {
        out->first++;
        out->count--;
    }
    while (out->count > 0 && decimal_digit(out, out->count - 1) == 0)
        out->count--;
    out->point = exponent + (int64_t)out->whole_size - (int64_t)out->first;
    if (out->count > 0)
        return fits;
    out->negative = false;
    out->point = 0;
    return true;
}

bool decimal_is_integer(const struct decimal *d)
{
    return d->point >= (int64_t)d->count;
}

static double decimal_real(const struct decimal *d)
{
    char text[DOUBLE_DIGITS + 32];
    size_t size = 0;
    size_t digits = d->count < DOUBLE_DIGITS ? d->count : DOUBLE_DIGITS;
    int64_t point = d->point;

    if (digits == 0 || point < DOUBLE_POINT_MIN)
        return d->negative ? -0.0 : 0.0;
    if (point > DOUBLE_POINT_MAX)
        return d->negative ? -HUGE_VAL : HUGE_VAL;
    if (d->negative)
        text[size++] = '-';
    for (size_t i = 0; i < digits; i++)
        text[size++] = (char)('0' + decimal_digit(d, i));
    point -= (int64_t)digits;
    if (digits < d->count) {
        text[size++] = '1';
        point--;
    }
    /* Without a decimal point the text means the same in every locale. */
    text[size++] = 'e';
    if (point < 0)
        text[size++] = '-';
    point = point < 0 ? -point : point;
    for (int64_t unit = 1000; unit > 0; unit /= 10)
        text[size++] = (char)('0' + point / unit % 10);
    text[size] = '\0';
    return strtod(text, NULL);
}

bool decimal_overflows(const struct decimal *d)
{
    return d->point >= DOUBLE_POINT_MAX && isinf(decimal_real(d));
}

static struct slice text_of(const struct doc *doc, doc_id number)
{
    return slice_of(doc->nodes[number].text, doc->nodes[number].text_size);
}

bool doc_integer(const struct doc *doc, doc_id number, int64_t *out)
{
    const struct doc_node *node = &doc->nodes[number];
    struct decimal d;
    uint64_t value = 0;
    uint64_t limit = INT64_MAX;

    if (node->type != DOC_NUMBER || !node->integer)
        return false;
    decimal_read(&d, text_of(doc, number));
    if (d.point > 19)
        return false;
    for (int64_t i = 0; i < d.point; i++)
        value = value * 10 + ((size_t)i < d.count ? decimal_digit(&d, (size_t)i) : 0);
    if (value > limit + d.negative)
        return false;
    *out = d.negative ? (int64_t)(0 - value) : (int64_t)value;
    return true;
}

double doc_real(const struct doc *doc, doc_id number)
{
    struct decimal d;

    decimal_read(&d, text_of(doc, number));
    return decimal_real(&d);
}

/* Compares two that are not negative. */
static int compare_magnitude(const struct decimal *a, const struct decimal *b)
{
    size_t count = a->count < b->count ? a->count : b->count;

    if (a->count == 0 || b->count == 0)
        return (a->count > 0) - (b->count > 0);
    if (a->point != b->point)
        return a->point < b->point ? -1 : 1;
    for (size_t i = 0; i < count; i++) {
        unsigned x = decimal_digit(a, i);
        unsigned y = decimal_digit(b, i);

        if (x != y)
            return x < y ? -1 : 1;
    }
    return (a->count > count) - (b->count > count);
}

int doc_number_compare(struct slice a, struct slice b)
{
    struct decimal x;
    struct decimal y;

    decimal_read(&x, a);
    decimal_read(&y, b);
    if (x.negative != y.negative)
        return x.negative ? -1 : 1;
    return x.negative ? compare_magnitude(&y, &x) : compare_magnitude(&x, &y);
}

/* a * b mod m, for m < 2^127 and both below m. */
static wide multiply_mod(wide a, wide b, wide m)
{
    wide product = 0;

    for (; b > 0; b >>= 1) {
        if (b & 1)
            product = (product + a) % m;
        a = (a + a) % m;
    }
    return product;
}

/* Ten to the power `exponent`, mod m. */
static wide power_of_ten_mod(uint64_t exponent, wide m)
{
    wide power = 1 % m;
    wide square = 10 % m;

    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1)
            power = multiply_mod(power, square, m);
        square = multiply_mod(square, square, m);
    }
    return power;
}

bool doc_number_multiple(struct slice number, struct slice divisor)
{
    struct decimal n;
    struct decimal d;
    wide modulus = 0;
    wide rest = 0;
    int64_t shift;

    decimal_read(&n, number);
    decimal_read(&d, divisor);
    if (n.count == 0 || d.count == 0)
        return n.count == 0;
    if (d.count > MODULUS_DIGITS)
        return fmod(decimal_real(&n), decimal_real(&d)) == 0;
    /* As integers without trailing zeros: N * 10^shift must be a multiple of D. With a
     * negative shift N would have to be one of 10, which its last digit rules out. */
    shift = (n.point - (int64_t)n.count) - (d.point - (int64_t)d.count);
    if (shift < 0)
        return false;
    for (size_t i = 0; i < d.count; i++)
        modulus = modulus * 10 + decimal_digit(&d, i);
    for (size_t i = 0; i < n.count; i++)
        rest = (rest * 10 + decimal_digit(&n, i)) % modulus;
    return multiply_mod(rest, power_of_ten_mod((uint64_t)shift, modulus), modulus) == 0;
}
