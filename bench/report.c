/*
 * report.c - the table for people, written as the run goes, and the JSON file with everything.
 */
#include <string.h>

#include "bench.h"

static unsigned entrant_count(const struct workload *workload)
{
    unsigned count = 0;

    while (count < ENTRANTS_MAX && workload->entrants[count].backend)
        count++;
    return count;
}

static double ratio_median(const struct result *result, unsigned peer)
{
    double ratios[ROUNDS_MAX];

    for (unsigned round = 0; round < result->rounds; round++)
        ratios[round] = result->values[0][round] / result->values[peer][round];
    return median(ratios, result->rounds);
}

void report_begin(const struct options *options)
{
    (void)options;
    printf("%-28s %12s %8s\n", "work", "libstore", "p99 us");
}

void report_result(const struct result *result, const struct options *options)
{
    (void)options;
    printf("%-28s %12.0f %8.1f", result->workload->title, median(result->values[0], result->rounds),
           histogram_percentile(result->latencies[0], 0.99) * 1e6);
    for (unsigned e = 1; e < entrant_count(result->workload); e++)
        printf("  %s %.2f", entrant_name(&result->workload->entrants[e]), ratio_median(result, e));
    printf("\n");
    fflush(stdout);
}

void report_end(const struct options *options)
{
    (void)options;
}
