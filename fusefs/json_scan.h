/*
 * json_scan.h - can these bytes still become JSON? A scanner that is fed a body
 * piece by piece and says no at the first byte that no continuation can mend
 * (RFC 8259: syntax, UTF-8; and libstore's limit of depth). PURE.
 */
#ifndef FUSEFS_JSON_SCAN_H
#define FUSEFS_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct json_scan;

/* NULL: no memory. */
struct json_scan *json_scan_new(void);
void json_scan_free(struct json_scan *scan);
/* False from the first byte on that can never be right. */
bool json_scan_feed(struct json_scan *scan, const void *data, size_t size);
/* Is what was fed so far a whole JSON text? */
bool json_scan_complete(const struct json_scan *scan);

#endif
