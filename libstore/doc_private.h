/* doc_private.h - what the files of the doc share: memory, scanning, decimals, names. */
#ifndef STORE_DOC_PRIVATE_H
#define STORE_DOC_PRIVATE_H

#include "doc.h"

/* --- memory (doc.c) */

/* A fresh node, all zero but its type. DOC_NONE (no_memory) without memory. Moves `nodes`. */
doc_id doc_node_new(struct doc *doc, enum doc_type type);
/* `size` bytes that live as long as the doc's nodes, unaligned; NULL (no_memory). */
char *doc_keep(struct doc *doc, size_t size);
/* Keeps a member's name of which `text` is the JSON text: decoded, as doc_node.key_owned
 * describes it. NULL without memory. */
const char *doc_keep_name(struct doc *doc, const char *text, size_t size, uint32_t *key_size);
/* The name of `named`, a member in `from`, for a node of `doc`. NULL without memory. */
const char *doc_share_name(struct doc *doc, const struct doc *from, doc_id named);
/* Makes the detached `child` the last one of `parent`; says nothing about `changed`. */
void doc_link_last(struct doc *doc, doc_id parent, doc_id child);

/* --- edits (doc_edit.c) */

/* Adds the detached `value` to `object`, which has no such member yet, under the name of
 * `named`, a member in `from`. */
bool doc_add_named(struct doc *doc, doc_id object, const struct doc *from, doc_id named, doc_id value);

/* --- scanning (doc_scan.c). `end` is behind the text; on a fault `*detail` is set. */

/* From behind the opening quote to behind the closing one; NULL: *fault and *detail. */
const char *doc_scan_string(const char *at, const char *end, bool *escaped, const char **fault,
                            const char **detail);
/* Decodes the inside of a scanned string into `out` (`size` bytes are enough); its size. */
size_t doc_decode(char *out, const char *text, size_t size);
/* From a number's first byte to behind its last; NULL likewise. */
const char *doc_scan_number(const char *at, const char *end, bool *integer, const char **fault,
                            const char **detail);

/* --- decimals (doc_number.c): a number's text as sign, digits and exponent */

#define DECIMAL_EXPONENT_DIGITS 18

struct decimal {
    bool negative;
    const char *whole; /* digits before the point, those behind it */
    const char *fraction;
    size_t whole_size;
    size_t first;  /* of the two runs' digits, the first that is not 0 */
    size_t count;  /* significant digits: up to the last that is not 0; 0 is zero */
    int64_t point; /* the value is 0.d1d2d3... times ten to this power */
};

/* Of text that is a JSON number; false if it is not zero and its exponent has more than
 * DECIMAL_EXPONENT_DIGITS digits (the exponent is taken as that many nines then). */
bool decimal_read(struct decimal *out, struct slice number);
/* Digit `i` < count, 0 to 9. */
unsigned decimal_digit(const struct decimal *d, size_t i);
bool decimal_is_integer(const struct decimal *d);
/* Whether it is beyond a double. */
bool decimal_overflows(const struct decimal *d);

/* --- names (doc_index.c): members of an object by name, hashed where that pays */

struct doc_index {
    doc_id *slots; /* NULL: names are searched one by one */
    uint32_t mask;
    uint64_t seed;
};

/* An empty index with room for `members`; false without memory. */
bool doc_index_init(struct doc_index *index, uint32_t members);
/* Adds a member. DOC_NONE, or the member that has its name already. */
doc_id doc_index_add(struct doc_index *index, const struct doc *doc, doc_id member);
/* An index of an object's members for about `searches`. Cannot fail: an object that is
 * small, or for which there is no memory, is searched. A member
 * removed later is not found any more, one added later may not be found. */
void doc_index_open(struct doc_index *index, const struct doc *doc, doc_id object, uint32_t searches);
doc_id doc_index_find(const struct doc_index *index, const struct doc *doc, doc_id object, const char *key,
                      size_t size);
void doc_index_release(struct doc_index *index);

#endif
