/*
 * json_scan.c - RFC 8259 as a table: from a state and a byte to the next state, or to
 * an action where the stack of open containers has a say. PURE.
 */
#include "json_scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <store.h>

enum state {
    FAULT = 0, /* what the table does not name, and there is no way back */
    VALUE,     /* a value comes */
    FIRST,     /* behind '[': a value, or ']' */
    MEMBER,    /* behind ',' of an object: a name */
    FIRST_MEMBER, /* behind '{': a name, or '}' */
    COLON,
    BEHIND,    /* behind a value in a container */
    END,       /* behind the document */
    STRING,
    ESCAPE,
    U1, U2, U3, U4, /* the four digits of \u */
    UD,        /* behind "\ud": a surrogate, or not */
    HIGH3, HIGH4, PAIR, PAIR_U, LOW1, LOW2, /* the rest of a high surrogate and its low one */
    TAIL1, TAIL2, TAIL3, /* so many bytes of a UTF-8 sequence are to come */
    TAIL_E0, TAIL_ED, TAIL_F0, TAIL_F4, /* the second byte, of which not all are allowed */
    T_R, T_U, T_E, /* letters of true, false, null that come next */
    F_A, F_L, F_S, F_E,
    N_U, N_L, N_LAST,
    MINUS, ZERO, DIGITS, POINT, FRACTION, EXPONENT, SIGN, POWER,

    STATES, /* from here on: actions */
    OPEN_OBJECT = STATES,
    OPEN_ARRAY,
    CLOSE_OBJECT,
    CLOSE_ARRAY,
    NEXT,        /* a comma */
    BEGIN_NAME,
    END_STRING,
    END_VALUE,
};

#define SPACE(to) [' '] = (to), ['\t'] = (to), ['\n'] = (to), ['\r'] = (to)
#define DIGIT(to) ['0' ... '9'] = (to)
#define HEX(to) DIGIT(to), ['a' ... 'f'] = (to), ['A' ... 'F'] = (to)
#define BEGIN_VALUE                                                                                     \
    ['"'] = STRING, ['{'] = OPEN_OBJECT, ['['] = OPEN_ARRAY, ['t'] = T_R, ['f'] = F_A, ['n'] = N_U,    \
    ['-'] = MINUS, ['0'] = ZERO, ['1' ... '9'] = DIGITS
#define CLOSE [','] = NEXT, [']'] = CLOSE_ARRAY, ['}'] = CLOSE_OBJECT
#define END_NUMBER SPACE(END_VALUE), CLOSE

static const uint8_t transitions[STATES][256] = {
    [VALUE] = { SPACE(VALUE), BEGIN_VALUE },
    [FIRST] = { SPACE(FIRST), BEGIN_VALUE, [']'] = CLOSE_ARRAY },
    [MEMBER] = { SPACE(MEMBER), ['"'] = BEGIN_NAME },
    [FIRST_MEMBER] = { SPACE(FIRST_MEMBER), ['"'] = BEGIN_NAME, ['}'] = CLOSE_OBJECT },
    [COLON] = { SPACE(COLON), [':'] = VALUE },
    [BEHIND] = { SPACE(BEHIND), CLOSE },
    [END] = { SPACE(END) },

    [STRING] = { [0x20 ... 0x21] = STRING, ['"'] = END_STRING, [0x23 ... 0x5B] = STRING, ['\\'] = ESCAPE,
                 [0x5D ... 0x7F] = STRING, [0xC2 ... 0xDF] = TAIL1, [0xE0] = TAIL_E0, [0xE1 ... 0xEC] = TAIL2,
                 [0xED] = TAIL_ED, [0xEE ... 0xEF] = TAIL2, [0xF0] = TAIL_F0, [0xF1 ... 0xF3] = TAIL3,
                 [0xF4] = TAIL_F4 },
    [TAIL1] = { [0x80 ... 0xBF] = STRING },
    [TAIL2] = { [0x80 ... 0xBF] = TAIL1 },
    [TAIL3] = { [0x80 ... 0xBF] = TAIL2 },
    [TAIL_E0] = { [0xA0 ... 0xBF] = TAIL1 }, /* no overlong forms */
    [TAIL_ED] = { [0x80 ... 0x9F] = TAIL1 }, /* no surrogates */
    [TAIL_F0] = { [0x90 ... 0xBF] = TAIL2 },
    [TAIL_F4] = { [0x80 ... 0x8F] = TAIL2 }, /* nothing beyond U+10FFFF */

    [ESCAPE] = { ['"'] = STRING, ['\\'] = STRING, ['/'] = STRING, ['b'] = STRING, ['f'] = STRING, ['n'] = STRING,
                 ['r'] = STRING, ['t'] = STRING, ['u'] = U1 },
    [U1] = { DIGIT(U2), ['a' ... 'c'] = U2, ['A' ... 'C'] = U2, ['d'] = UD, ['D'] = UD, ['e' ... 'f'] = U2,
             ['E' ... 'F'] = U2 },
    [U2] = { HEX(U3) },
    [U3] = { HEX(U4) },
    [U4] = { HEX(STRING) },
    [UD] = { ['0' ... '7'] = U3, ['8' ... '9'] = HIGH3, ['a' ... 'b'] = HIGH3, ['A' ... 'B'] = HIGH3 },
    [HIGH3] = { HEX(HIGH4) },
    [HIGH4] = { HEX(PAIR) },
    [PAIR] = { ['\\'] = PAIR_U },
    [PAIR_U] = { ['u'] = LOW1 },
    [LOW1] = { ['d'] = LOW2, ['D'] = LOW2 },
    [LOW2] = { ['c' ... 'f'] = U3, ['C' ... 'F'] = U3 },

    [T_R] = { ['r'] = T_U },
    [T_U] = { ['u'] = T_E },
    [T_E] = { ['e'] = END_VALUE },
    [F_A] = { ['a'] = F_L },
    [F_L] = { ['l'] = F_S },
    [F_S] = { ['s'] = F_E },
    [F_E] = { ['e'] = END_VALUE },
    [N_U] = { ['u'] = N_L },
    [N_L] = { ['l'] = N_LAST },
    [N_LAST] = { ['l'] = END_VALUE },

    [MINUS] = { ['0'] = ZERO, ['1' ... '9'] = DIGITS },
    [ZERO] = { ['.'] = POINT, ['e'] = EXPONENT, ['E'] = EXPONENT, END_NUMBER },
    [DIGITS] = { DIGIT(DIGITS), ['.'] = POINT, ['e'] = EXPONENT, ['E'] = EXPONENT, END_NUMBER },
    [POINT] = { DIGIT(FRACTION) },
    [FRACTION] = { DIGIT(FRACTION), ['e'] = EXPONENT, ['E'] = EXPONENT, END_NUMBER },
    [EXPONENT] = { DIGIT(POWER), ['+'] = SIGN, ['-'] = SIGN },
    [SIGN] = { DIGIT(POWER) },
    [POWER] = { DIGIT(POWER), END_NUMBER },
};

struct json_scan {
    uint8_t state;
    bool name;                          /* the string is a member's name */
    unsigned depth;                     /* containers open */
    uint64_t object[STORE_DEPTH_MAX / 64]; /* a bit for each: is it an object? */
};

struct json_scan *json_scan_new(void)
{
    struct json_scan *scan = calloc(1, sizeof *scan);

    if (scan)
        scan->state = VALUE;
    return scan;
}

void json_scan_free(struct json_scan *scan)
{
    free(scan);
}

static bool in_object(const struct json_scan *scan)
{
    unsigned top = scan->depth - 1;

    return scan->object[top / 64] >> top % 64 & 1;
}

static enum state open_container(struct json_scan *scan, bool object)
{
    uint64_t bit = (uint64_t)1 << scan->depth % 64;
    uint64_t *word;

    if (scan->depth == STORE_DEPTH_MAX)
        return FAULT;
    word = &scan->object[scan->depth / 64];
    *word = object ? *word | bit : *word & ~bit;
    scan->depth++;
    return object ? FIRST_MEMBER : FIRST;
}

static enum state behind_value(const struct json_scan *scan)
{
    return scan->depth > 0 ? BEHIND : END;
}

static enum state close_container(struct json_scan *scan, bool object)
{
    if (scan->depth == 0 || in_object(scan) != object)
        return FAULT;
    scan->depth--;
    return behind_value(scan);
}

static enum state end_string(struct json_scan *scan)
{
    if (!scan->name)
        return behind_value(scan);
    scan->name = false;
    return COLON;
}

/* The state that an action leads to. */
static enum state act(struct json_scan *scan, enum state action)
{
    switch ((int)action) {
    case OPEN_OBJECT:
    case OPEN_ARRAY:
        return open_container(scan, action == OPEN_OBJECT);
    case CLOSE_OBJECT:
    case CLOSE_ARRAY:
        return close_container(scan, action == CLOSE_OBJECT);
    case NEXT:
        if (scan->depth == 0)
            return FAULT;
        return in_object(scan) ? MEMBER : VALUE;
    case BEGIN_NAME:
        scan->name = true;
        return STRING;
    case END_STRING:
        return end_string(scan);
    default:
        return behind_value(scan);
    }
}

bool json_scan_feed(struct json_scan *scan, const void *data, size_t size)
{
    const unsigned char *at = data, *end = at + size;
    unsigned state = scan->state;

    while (at < end && state != FAULT) {
        if (state == STRING)
            while (at < end && transitions[STRING][*at] == STRING)
                at++;
        if (at == end)
            break;
        state = transitions[state][*at++];
        if (state >= STATES)
            state = act(scan, state);
    }
    scan->state = (uint8_t)state;
    return state != FAULT;
}

bool json_scan_complete(const struct json_scan *scan)
{
    switch (scan->state) {
    case END:
        return true;
    case ZERO: /* a number ends where the text does */
    case DIGITS:
    case FRACTION:
    case POWER:
        return scan->depth == 0;
    default:
        return false;
    }
}
