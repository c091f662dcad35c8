/*
 * curve_report.c - the curves as tables for people, and as the JSON file that bench/plot-curve draws.
 */
#include <jansson.h>

#include "curve.h"

enum { LAST = CURVE_COUNTS - 1 };

/* ----------------------------------------------------------------- tables */

static void print_counts(const struct curve *curve)
{
    printf("\n%10s  %-9s %9s %14s %9s %17s %9s %9s\n", "objects", "us each:", "GET", "GET, in order", "PUT",
           "PUT, 100 at once", "list", "disk MiB");
    for (int i = 0; i < CURVE_COUNTS; i++)
        for (int s = 0; s < CURVE_STORES; s++) {
            const struct count_cost *cost = &curve->counts[i].cost[s];

            printf("%10u  %-9s %9.2f %14.2f %9.1f %17.2f %9.3f %9.0f\n", curve->counts[i].objects,
                   curve_stores[s]->name, cost->get, cost->get_next, cost->put, cost->put_many, cost->list,
                   cost->disk_mib);
        }
}

static void print_sizes(const struct curve *curve)
{
    printf("\n%10s  %-9s %14s %14s\n", "bytes", "us each:", "GET", "PUT");
    for (int i = 0; i < CURVE_SIZES; i++)
        for (int s = 0; s < CURVE_STORES; s++) {
            const struct size_cost *cost = &curve->sizes[i].cost[s];

            printf("%10ju  %-9s %14.1f %14.1f\n", (uintmax_t)curve->sizes[i].bytes, curve_stores[s]->name,
                   cost->get, cost->put);
        }
}

static void print_bound(const char *what, double value, double most, const char *unit)
{
    printf("%-52s %8.2f %-4s (goal: %g)  %s\n", what, value, unit, most, value <= most ? "ok" : "MISSED");
}

static void print_bounds(const struct curve *curve)
{
    const struct by_count *first = &curve->counts[0], *last = &curve->counts[LAST];
    double slowest = 0;

    for (int i = 0; i < CURVE_COUNTS; i++)
        if (curve->counts[i].open_ms > slowest)
            slowest = curve->counts[i].open_ms;
    printf("\n");
    print_bound("GET, 10^7 objects against 10^4", last->cost[0].get / first->cost[0].get, 2, "x");
    print_bound("PUT, 10^7 objects against 10^4", last->cost[0].put / first->cost[0].put, 2, "x");
    printf("%-52s %8.2f x\n", "  GET in the order of the keys", last->cost[0].get_next / first->cost[0].get_next);
    printf("%-52s %8.2f x\n", "  raw LMDB: GET", last->cost[1].get / first->cost[1].get);
    printf("%-52s %8.2f x\n", "  raw LMDB: PUT", last->cost[1].put / first->cost[1].put);
    print_bound("opening a store, the slowest of all sizes", slowest, 10, "ms");
    print_bound("memory while a body of 4 GiB is put", curve->memory.put_body, 64, "MiB");
    print_bound("memory while it is read", curve->memory.get_body, 64, "MiB");
    print_bound("memory while 10^7 objects are listed", curve->memory.list, 64, "MiB");
    print_bound("memory while they are listed with bodies", curve->memory.list_bodies, 64, "MiB");
}

/* ------------------------------------------------------------------- JSON */

static json_t *counts_json(const struct curve *curve)
{
    json_t *list = json_array();

    for (int i = 0; i < CURVE_COUNTS; i++)
        for (int s = 0; s < CURVE_STORES; s++) {
            const struct count_cost *cost = &curve->counts[i].cost[s];

            json_array_append_new(list, json_pack("{s:s, s:I, s:f, s:f, s:f, s:f, s:f, s:f}", "store",
                                                  curve_stores[s]->name, "objects",
                                                  (json_int_t)curve->counts[i].objects, "get_us", cost->get,
                                                  "get_next_us", cost->get_next, "put_us", cost->put, "put_100_us",
                                                  cost->put_many, "list_us", cost->list, "disk_mib",
                                                  cost->disk_mib));
        }
    return list;
}

static json_t *sizes_json(const struct curve *curve)
{
    json_t *list = json_array();

    for (int i = 0; i < CURVE_SIZES; i++)
        for (int s = 0; s < CURVE_STORES; s++) {
            const struct size_cost *cost = &curve->sizes[i].cost[s];

            json_array_append_new(list, json_pack("{s:s, s:I, s:f, s:f}", "store", curve_stores[s]->name, "bytes",
                                                  (json_int_t)curve->sizes[i].bytes, "get_us", cost->get, "put_us",
                                                  cost->put));
        }
    return list;
}

static json_t *openings_json(const struct curve *curve)
{
    json_t *list = json_array();

    for (int i = 0; i < CURVE_COUNTS; i++) {
        const struct by_count *count = &curve->counts[i];

        json_array_append_new(list, json_pack("{s:I, s:f, s:f}", "objects", (json_int_t)count->objects, "open_ms",
                                              count->open_ms, "first_get_ms", count->first_get_ms));
    }
    return list;
}

void curve_report(const struct curve *curve, const struct options *options)
{
    const struct memory_growth *memory = &curve->memory;
    json_t *all = report_machine(&curve->machine);

    machine_print(&curve->machine);
    print_counts(curve);
    print_sizes(curve);
    print_bounds(curve);
    json_object_update_new(
        all, json_pack("{s:o, s:o, s:o, s:{s:f, s:f, s:f, s:f}}", "objects", counts_json(curve), "bodies",
                       sizes_json(curve), "openings", openings_json(curve), "memory_mib", "put_4_gib",
                       memory->put_body, "get_4_gib", memory->get_body, "list", memory->list, "list_bodies",
                       memory->list_bodies));
    report_write(all, options);
}
