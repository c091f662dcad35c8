/*
 * content.h - the bytes of an open file: a version that the store has, or
 * nothing, and what was written since and is not published yet.
 *
 * A content is used under its file's lock. Whatever is written costs a bounded
 * amount of memory: small bodies are kept in memory, a large new body that is
 * written from its beginning goes to the store as unpublished chunks as it comes, and
 * changes of a large body lie in a temporary file without a name, page by page.
 *
 * Functions return 0 or an errno (see fs.h).
 */
#ifndef FUSEFS_CONTENT_H
#define FUSEFS_CONTENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <store.h>

/* What the contents of a mount share. */
struct content_pool {
    store *store;
    int directory;             /* where temporary files are made: that of the store, so that the same disk fills */
    atomic_size_t memory;      /* bytes of bodies kept in memory now */
    size_t memory_max;         /* beyond it, what is written goes to temporary files at once */
};

int content_pool_init(struct content_pool *pool, store *s);
void content_pool_release(struct content_pool *pool);

struct content;

/* Nothing yet: a new file, or one that is truncated as it is opened. */
int content_new(struct content **out, struct content_pool *pool);
/* The version that `reader` has opened, which is the content's from now on (also on failure). */
int content_of(struct content **out, struct content_pool *pool, store_reader *reader);
void content_free(struct content *content);

uint64_t content_size(const struct content *content);
/* Bytes that are kept for it, holes left out: st_blocks. */
uint64_t content_allocated(struct content *content);
/* Is there anything that the store does not have? */
bool content_changed(const struct content *content);
/* The version it is based on; 0: none. */
uint64_t content_version(const struct content *content);
/* The object got another version, but kept its bytes: that is what the content is based on now. */
void content_set_version(struct content *content, uint64_t version);
/* Is nothing in it from a version of the store's, so that publishing replaces a whole body, whatever is there
 * now? Otherwise it is a change of content_version, however small, and can only be published onto that. */
bool content_whole(const struct content *content);

/* *got is short at the end only. ESTALE when the version cannot be read any more. */
int content_read(size_t *got, struct content *content, void *buffer, size_t size, uint64_t offset);
int content_write(struct content *content, const void *data, size_t size, uint64_t offset);
int content_resize(struct content *content, uint64_t size);
/* Zero bytes from `offset` on; within the size they become a hole, beyond it nothing happens. */
int content_zero(struct content *content, uint64_t offset, uint64_t size);
/* The next byte that is data, or hole, at or behind `offset` (lseek's SEEK_DATA and SEEK_HOLE): ENXIO beyond the end. */
int content_seek(uint64_t *out, struct content *content, uint64_t offset, bool data);
/* Whatever becomes of the object, the content stays readable. */
int content_keep(struct content *content);

/*
 * Makes it the body of the object `name` ("/ada") of the collection request->base, in one commit, with what the request
 * says of type, metadata and attributes: a whole body is a PUT by the request's flags, conditions and id. A change of
 * the version it is based on is a PATCH, or a PUT if that is cheaper, of which only base, if_id and STORE_SET_META
 * are heeded beside (precondition_failed, ESTALE, if it is not the newest any more). Then it is based on the new
 * version. On failure it has the same bytes as before and can be published again; the result is the store's
 * code, and store_problem_last() tells why, unless it is the temporary file that failed (io, no_memory).
 * request->txn has to be NULL.
 */
int content_publish(store_answer *out, struct content *content, const char *name, const store_request *request);

#endif
