/*
 * report.c - the table for people, written as the run goes, and the JSON file with everything.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

enum { GOALS = 3, COUNT_TEXT = 32 };

static struct machine machine;
static json_t *results;
static unsigned missed;

struct spread {
    double middle, least, most;
};

static unsigned entrant_count(const struct workload *workload)
{
    unsigned count = 0;

    while (count < ENTRANTS_MAX && workload->entrants[count].backend)
        count++;
    return count;
}

/* The entrant of a name; 0, which is the subject, for NULL. */
static unsigned entrant_of(const struct workload *workload, const char *name)
{
    unsigned e = 0;

    while (name && e < entrant_count(workload) && strcmp(entrant_name(&workload->entrants[e]), name) != 0)
        e++;
    return e;
}

static struct spread spread_of(const double *values, unsigned count)
{
    struct spread spread = { median(values, count), values[0], values[0] };

    for (unsigned i = 1; i < count; i++) {
        spread.least = values[i] < spread.least ? values[i] : spread.least;
        spread.most = values[i] > spread.most ? values[i] : spread.most;
    }
    return spread;
}

/* The subject's values over those of a peer, round by round. */
static struct spread ratio_to(const struct result *result, unsigned peer)
{
    double ratios[ROUNDS_MAX] = { 0 };

    for (unsigned round = 0; round < result->rounds; round++)
        ratios[round] = result->values[0][round] / result->values[peer][round];
    return spread_of(ratios, result->rounds);
}

static double p99(const struct result *result, unsigned entrant)
{
    return histogram_percentile(result->latencies[entrant], 0.99);
}

/* ----------------------------------------------------------------- goals */

static bool is_goal(const struct goal *goal)
{
    return goal->at_least > 0 || goal->at_most > 0;
}

static double goal_figure(const struct result *result, const struct goal *goal)
{
    unsigned peer = entrant_of(result->workload, goal->peer);

    if (peer == entrant_count(result->workload))
        fail("%s: a goal names '%s', who does not take part", result->workload->name, goal->peer);
    if (goal->of == P99)
        return goal->peer ? p99(result, 0) / p99(result, peer) : p99(result, 0);
    return goal->peer ? ratio_to(result, peer).middle : median(result->values[0], result->rounds);
}

static bool goal_met(const struct goal *goal, double figure)
{
    return (goal->at_least == 0 || figure >= goal->at_least) && (goal->at_most == 0 || figure <= goal->at_most);
}

/* With the figure, where no column has it. */
static void print_goal(const struct result *result, const struct goal *goal)
{
    double figure = goal_figure(result, goal), bound = goal->at_least > 0 ? goal->at_least : goal->at_most;
    bool seconds = goal->of == P99 && !goal->peer, met = goal_met(goal, figure);

    printf("  %s%s%s%s %g%s", goal->of == P99 ? "p99 " : "", goal->peer ? goal->peer : "",
           goal->peer ? " " : "", goal->at_least > 0 ? ">=" : "<=", seconds ? bound * 1e3 : bound,
           seconds ? " ms" : "");
    if (goal->of == P99 && goal->peer)
        printf(" (%.2f)", figure);
    printf(" %s", met ? "ok" : "MISSED");
    missed += !met;
}

/* ----------------------------------------------------------------- table */

/* "1.23 M", "45.6 k", "789", "0.45": three digits that say it. */
static const char *count_text(char text[COUNT_TEXT], double value)
{
    static const char *const units[] = { "", " k", " M", " G" };
    unsigned unit = 0;

    for (; value >= 999.5 && unit < 3; unit++)
        value /= 1000;
    snprintf(text, COUNT_TEXT, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
    return text;
}

static const char *time_text(char text[COUNT_TEXT], double seconds)
{
    if (seconds == 0)
        return "-";
    if (seconds < 1e-3)
        snprintf(text, COUNT_TEXT, "%.3g us", seconds * 1e6);
    else
        snprintf(text, COUNT_TEXT, "%.3g ms", seconds * 1e3);
    return text;
}

/* The first column has the least and the most too. */
static void print_ratio(const struct result *result, const char *peer, bool first)
{
    unsigned e = entrant_of(result->workload, peer);
    bool is_there = e < entrant_count(result->workload);
    struct spread ratio = { 0 };

    if (is_there) {
        ratio = ratio_to(result, e);
        printf(" %14.2f", ratio.middle);
    } else {
        printf(" %14s", "-");
    }
    if (first && is_there)
        printf(" %5.2f..%-5.2f", ratio.least, ratio.most);
    else if (first)
        printf(" %12s", "");
}

static bool is_column(const char *name, const struct suite *suite)
{
    for (const char *const *column = suite->columns; *column; column++)
        if (strcmp(*column, name) == 0)
            return true;
    return false;
}

void report_begin(const struct options *options)
{
    const struct suite *suite = options->suite;

    machine_look(&machine, options->directory);
    results = json_array();
    machine_print(&machine);
    if (options->slow_sync_us > 0)
        printf("each sync made %u us slower\n", options->slow_sync_us);
    printf("Columns behind p99: %s over it, median of %u; behind %s the least and the most.\n\n", suite->subject,
           options->rounds, suite->columns[0]);
    printf("%-30s %9s %9s %9s %14s %12s", "work", suite->subject, "p50", "p99", suite->columns[0], "");
    for (const char *const *column = suite->columns + 1; *column; column++)
        printf(" %14s", *column);
    printf("\n");
    fflush(stdout);
}

static void print_result(const struct result *result, const struct options *options)
{
    const struct workload *workload = result->workload;
    const struct goal *goals = workload_goals(workload, options);
    char value[COUNT_TEXT], low[COUNT_TEXT], high[COUNT_TEXT];

    printf(" %9s %9s %9s", count_text(value, median(result->values[0], result->rounds)),
           time_text(low, histogram_percentile(result->latencies[0], 0.5)), time_text(high, p99(result, 0)));
    for (const char *const *column = options->suite->columns; *column; column++)
        print_ratio(result, *column, column == options->suite->columns);
    for (unsigned e = 1; e < entrant_count(workload); e++)
        if (!is_column(entrant_name(&workload->entrants[e]), options->suite))
            printf("  %s: %.2f", entrant_name(&workload->entrants[e]), ratio_to(result, e).middle);
    for (int i = 0; i < GOALS && is_goal(&goals[i]); i++)
        print_goal(result, &goals[i]);
    printf("\n");
    fflush(stdout);
}

/* ------------------------------------------------------------------ JSON */

static json_t *spread_json(struct spread spread)
{
    return json_pack("{s:f, s:f, s:f}", "median", spread.middle, "min", spread.least, "max", spread.most);
}

static json_t *entrant_json(const struct result *result, unsigned e)
{
    const struct entrant *entrant = &result->workload->entrants[e];
    struct histogram *latency = result->latencies[e];
    json_t *values = json_array();

    for (unsigned round = 0; round < result->rounds; round++)
        json_array_append_new(values, json_real(result->values[e][round]));
    return json_pack("{s:s, s:s, s:o, s:f, s:I, s:f, s:f, s:f, s:o}",
                     "name", entrant_name(entrant),
                     "durability", entrant->durability == DURABLE ? "durable" : "relaxed",
                     "values", values,
                     "median", median(result->values[e], result->rounds),
                     "timed", (json_int_t)histogram_count(latency),
                     "p50", histogram_percentile(latency, 0.5),
                     "p99", histogram_percentile(latency, 0.99),
                     "max", histogram_percentile(latency, 1),
                     "ratio", spread_json(ratio_to(result, e)));
}

static json_t *goal_json(const struct result *result, const struct goal *goal)
{
    double figure = goal_figure(result, goal);

    return json_pack("{s:s?, s:s, s:s, s:f, s:f, s:b}",
                     "peer", goal->peer,
                     "of", goal->of == P99 ? "p99" : "value",
                     "bound", goal->at_least > 0 ? "at_least" : "at_most",
                     "goal", goal->at_least > 0 ? goal->at_least : goal->at_most,
                     "figure", figure,
                     "met", goal_met(goal, figure));
}

static json_t *result_json(const struct result *result, const struct options *options)
{
    const struct workload *workload = result->workload;
    const struct goal *goals = workload_goals(workload, options);
    json_t *entrants = json_array(), *met = json_array();

    for (unsigned e = 0; e < entrant_count(workload); e++)
        json_array_append_new(entrants, entrant_json(result, e));
    for (int i = 0; i < GOALS && is_goal(&goals[i]); i++)
        json_array_append_new(met, goal_json(result, &goals[i]));
    return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o}",
                     "name", workload->name,
                     "title", workload->title,
                     "unit", workload->unit ? workload->unit : "operations/s",
                     "threads", workload->threads ? (int)workload->threads : 1,
                     "rounds", (int)result->rounds,
                     "goals", met,
                     "entrants", entrants);
}

/* Before it runs, so that it is seen what takes its time. */
void report_start(const struct workload *workload)
{
    printf("%-30s", workload->title);
    fflush(stdout);
}

void report_result(const struct result *result, const struct options *options)
{
    print_result(result, options);
    json_array_append_new(results, result_json(result, options));
}

static json_t *backends_json(const struct suite *suite)
{
    json_t *list = json_array();

    for (const struct backend *const *backend = suite->backends; *backend; backend++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", (*backend)->name, "version",
                                              (*backend)->version(), "settings", (*backend)->settings));
    return list;
}

struct json_t *report_machine(const struct machine *looked)
{
    return json_pack("{s:{s:s, s:i, s:s, s:s, s:f}, s:s, s:s}", "machine", "cpu", looked->cpu, "cores",
                     (int)looked->cores, "system", looked->system, "file_system", looked->file_system,
                     "flush_seconds", looked->flush_seconds, "commit", looked->commit, "date", looked->date);
}

void report_write(struct json_t *all, const struct options *options)
{
    if (!all)
        fail("no memory for the report");
    if (options->json && json_dump_file(all, options->json, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0)
        fail("cannot write %s", options->json);
    json_decref(all);
}

unsigned report_end(const struct options *options)
{
    json_t *all = report_machine(&machine);

    json_object_update_new(all, json_pack("{s:s, s:s, s:i, s:i, s:o, s:o}",
                                          "subject", options->suite->subject,
                                          "peer", options->suite->columns[0],
                                          "rounds", (int)options->rounds,
                                          "slow_sync_us", (int)options->slow_sync_us,
                                          "stores", backends_json(options->suite),
                                          "results", results));
    report_write(all, options);
    if (missed > 0)
        printf("\n%u goal%s missed\n", missed, missed == 1 ? "" : "s");
    return missed;
}
