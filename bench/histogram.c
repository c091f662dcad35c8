/*
 * histogram.c - how often which duration was seen, in buckets that grow with the duration; and medians.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench.h"

/* 16 buckets for each power of two nanoseconds: durations below 16 have a bucket each. */
enum { STEP_BITS = 4, STEPS = 1 << STEP_BITS, BUCKETS = (64 - STEP_BITS + 1) * STEPS };

struct histogram {
    uint64_t count;
    uint64_t buckets[BUCKETS];
};

struct histogram *histogram_new(void)
{
    return allocate_zeroed(1, sizeof(struct histogram));
}

void histogram_free(struct histogram *histogram)
{
    free(histogram);
}

static unsigned bucket_of(uint64_t ns)
{
    unsigned shift;

    if (ns < STEPS)
        return (unsigned)ns;
    shift = 63 - STEP_BITS - (unsigned)__builtin_clzll(ns);
    return shift * STEPS + (unsigned)(ns >> shift);
}

/* The middle of a bucket. */
static double bucket_value(unsigned bucket)
{
    unsigned shift = bucket / STEPS;

    if (shift == 0)
        return bucket;
    return ldexp((double)(bucket % STEPS + STEPS) + 0.5, (int)shift - 1);
}

void histogram_add(struct histogram *histogram, uint64_t nanoseconds)
{
    histogram->count++;
    histogram->buckets[bucket_of(nanoseconds)]++;
}

void histogram_move(struct histogram *into, struct histogram *from)
{
    into->count += from->count;
    for (unsigned i = 0; i < BUCKETS; i++)
        into->buckets[i] += from->buckets[i];
    *from = (struct histogram){ .count = 0 };
}

double histogram_percentile(const struct histogram *histogram, double share)
{
    double wanted = share * (double)histogram->count, seen = 0;

    for (unsigned i = 0; i < BUCKETS && histogram->count > 0; i++) {
        seen += (double)histogram->buckets[i];
        if (seen >= wanted && histogram->buckets[i] > 0)
            return bucket_value(i) / 1e9;
    }
    return 0;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    return histogram->count;
}

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;

    return (left > right) - (left < right);
}

double median(const double *values, size_t count)
{
    double sorted[ROUNDS_MAX];

    if (count == 0)
        return 0;
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}
