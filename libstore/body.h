/*
 * body.h - bodies too large for their record: chunks in the bodies file.
 *
 * A body is written outside the transaction that publishes it ("staged"), in
 * chunks that are committed every few MiB, under an id that is never used
 * again and that is marked with the session that writes it. Publishing is
 * one row in the objects file, in the transaction that writes the record;
 * so a crash at any point leaves either the old object or the new one, and at
 * worst chunks that nobody refers to, which the caretaker reclaims.
 *
 * Chunks are immutable: a range write adds chunk rows of a higher generation,
 * and a record names the generation it is to be read at.
 */
#ifndef STORE_BODY_H
#define STORE_BODY_H

#include "buffer.h"
#include "layout.h"
#include "record.h"
#include "tree.h"
#include "store_private.h"
#include "txn.h"

#define BODY_MAX ((uint64_t)CHUNK_NONE * CHUNK_DATA) /* bytes of one body */
#define BODY_COMMIT (64u * CHUNK_DATA)               /* about 4 MiB: what a transaction keeps in memory */
#define BODY_CHANGES_MAX (256u * CHUNK_DATA)         /* of changed chunks in one transaction */
#define BODY_DROP_SLICE 512                          /* rows that one transaction deletes ... */
#define BODY_DROP_ROOM (128u << 10)                  /* ... what that may take of the file, at most */
#define BODY_KEPT_MAX (16u * CHUNK_DATA)             /* a larger body is not kept in memory, but staged at once */
/* The generation of an upload's chunks, and of an upload with holes: later than its chunks, so that
 * a missing one is known to be a hole; earlier than any range write, whose generations are versions. */
#define GENERATION_UPLOAD 0
#define GENERATION_SPARSE 1

/* ------------------------------------------------------------ staging */

#define REWORKED_MAX 64 /* chunks that wait to be written over: 4 MiB */

struct body_writer {
    store *store;
    uint64_t id;     /* 0 until the first flush */
    uint64_t size;
    uint32_t chunks; /* flushed, or left out */
    bool sparse;     /* some were left out */
    struct buffer pending;
    struct buffer reworked; /* flushed chunks that were written over since, CHUNK_DATA bytes each ... */
    uint32_t reworked_chunks[REWORKED_MAX]; /* ... and which */
};

void body_writer_init(struct body_writer *writer, store *s);
/* Goes on at the end. After an error the size tells how much of it came in. */
int body_writer_write(struct body_writer *writer, const void *data, size_t size);
/* Goes on `size` bytes further, which read as zero. The body must then be published as sparse if it says so. */
int body_writer_skip(struct body_writer *writer, uint64_t size);
/* Writes anywhere: over what was written, and on from the end, or from behind it. */
int body_writer_write_at(struct body_writer *writer, uint64_t offset, const void *data, size_t size);
/* Copies back what was written; nothing behind the end. */
int body_writer_read(size_t *got, struct body_writer *writer, uint64_t offset, void *out, size_t capacity);
/* Writes what is pending. writer->id is then a complete staged body; more may be written all the same. */
int body_writer_finish(struct body_writer *writer);
/* Drops what was written unless `keep`, and frees the memory. */
void body_writer_release(struct body_writer *writer, bool keep);

/* For body_writer.c and body_rework.c: the upload's id, which it gets with its first rows; writing over what is
 * written already; the commit of what was. */
int body_writer_claim(uint64_t *id, const struct body_writer *writer, struct transaction *txn);
int body_rework(struct body_writer *writer, uint64_t offset, const char *data, size_t size);
int body_rework_flush(struct body_writer *writer);

/* Stages a whole buffer. */
int body_stage(uint64_t *id, store *s, const void *data, size_t size);
/* Deletes an unpublished body's chunks; failing is harmless, the caretaker comes by. */
void body_drop(store *s, uint64_t id);
/* The caretaker's. Deletes a slice of the rows of bodies, one body after another; how many have none left. */
int body_delete_slice(store *s, const uint64_t *ids, size_t count, size_t *done);
/* The chunks [first, last] that a change of a published body wrote, as its marker and its garbage row have them. */
struct chunk_range {
    uint32_t first, last;
};
/* Markers newer than the record are of changes whose publication failed: their rows must not come to light with
 * those of a later one. Deletes them; whether there are some. */
int body_undo_unpublished(struct transaction *txn, const struct record *record);
int body_has_unpublished(bool *out, store *s, const struct record *record);
/* Whether anybody changed the body since the record. */
int body_changed_since(bool *out, struct txn *txn, const struct record *record);
/* The caretaker's, too: rows that a change of a published body superseded, in these chunks. Deletes a
 * slice of those of some, one after another, and takes note in `chunks`; how many have none left. */
struct superseded {
    uint64_t id, generation;
    struct chunk_range chunks;
};
int body_superseded_read(struct superseded *out, uint64_t id, uint64_t generation, struct slice row);
int body_delete_superseded(store *s, struct superseded *items, size_t count, size_t *done);
/* A staged body was published: its staging row can go with the next transaction. */
void body_published(store *s, uint64_t id);
/* Deletes the staging rows of published bodies now; for the end of a handle. */
void body_unstage(store *s);

/*
 * Bodies of a transaction wait in memory for its end, so that they share a commit: body_flush writes them
 * with one commit of the bodies file, before the records' and before one of them is read. body_keep copies
 * a body and gives its id, body_take_back forgets or drops one; the last kept goes first.
 */
int body_keep(uint64_t *id, struct txn *txn, const void *data, size_t size);
int body_flush(struct txn *txn);
void body_take_back(struct txn *txn, uint64_t id);
/* body_flush, if the view is a writing transaction's. */
int body_settle(const struct view *view);

/* What both ways of staging write. One transaction on the bodies file, with which the staging rows of published
 * bodies leave; run again when the map was too small. */
int body_commit(store *s, size_t size, int (*write)(void *context, struct transaction *txn), void *context);
/* Takes `count` new ids; makes an id this session's; puts chunks from the given one on. */
int body_claim(struct transaction *txn, uint64_t count, uint64_t *first);
int body_mark_staged(struct transaction *txn, store *s, uint64_t id);
int body_put_chunks(struct transaction *txn, uint64_t id, uint32_t chunk, const char *data, size_t size);

/* ------------------------------------- references, in the objects file */

int body_publish(struct txn *txn, uint64_t id);
int body_retain(struct txn *txn, uint64_t id);
/* The last reference makes it garbage. */
int body_release(struct txn *txn, uint64_t id);
int body_references(uint64_t *out, struct snapshot *snapshot, uint64_t id);

/* ------------------------------------------------------------ reading */

/*
 * Copies bytes [offset, offset + size) of the body of `record` (within its
 * size). `*hole` is set when a chunk has no row: it reads as zero, if
 * body_confirm_hole agrees. precondition_failed when the chunks were superseded.
 * The snapshot of the bodies is not older than that of the objects; of a body that no
 * range was written to, no objects are needed.
 */
int body_read(struct snapshot *objects, struct snapshot *bodies, const struct record *record, uint64_t offset,
              void *out, size_t size, bool *hole);
/* Whether a hole seen in a snapshot of the bodies is one: the body is still published (in the writing transaction,
 * else in a snapshot taken now, after that one), and range writes made holes possible. precondition_failed, corrupt. */
int body_confirm_hole(const struct view *view, const struct record *record);
/* Reads in the view's snapshot of the bodies, or one of its own; holes confirmed. */
int body_read_at(const struct view *view, const struct record *record, uint64_t offset, void *out, size_t size);
/* What one who reads a record again and again has verified of its body. Rows of chunks never change, but deltas may be
 * merged, and then a chunk is read from another row: so each is remembered by its generation, plus one. Zeroed, and
 * without memory, nothing is remembered. */
struct body_verified {
    uint64_t *rows; /* by chunk; 0: none yet */
    uint32_t count; /* of the chunks that are remembered, the first ones */
};
void body_verified_init(struct body_verified *verified, const struct record *record);
void body_verified_release(struct body_verified *verified);
/* body_read_at that verifies no row twice. */
int body_read_again(const struct view *view, const struct record *record, struct body_verified *verified,
                    uint64_t offset, void *out, size_t size);
/* The first run of chunks [*first, *end) from `chunk` on of which the file keeps anything, as the record sees
 * them, or the first `most` of it; both are the number of its chunks if there is none. The rest are holes, if
 * body_confirm_hole agrees. */
int body_extent(uint32_t *first, uint32_t *end, struct snapshot *objects, struct snapshot *bodies,
                const struct record *record, uint32_t chunk, uint32_t most);
/* Whether the file keeps anything of more than `limit` chunks from `chunk` on. */
int body_more_kept(bool *out, const struct view *view, const struct record *record, uint32_t chunk, uint32_t limit);
/* The same in bytes: the run at or behind `offset`, holes confirmed, in snapshots that are taken now unless the view
 * has them. STORE_END, and both the size, if there is none. */
int body_extent_at(uint64_t *begin, uint64_t *end, const struct view *view, const struct record *record,
                   uint64_t offset);
/* No row of a chunk is as old as `generation`: ENGINE_ABSENT for a hole, precondition_failed if it was superseded. */
int body_absent_chunk(struct snapshot *bodies, uint64_t id, uint32_t chunk, uint64_t generation);
/* The precondition_failed of a version that cannot be read any more. */
int body_gone(void);
/* The data of a chunk's row and its generation, borrowed and verified; ENGINE_ABSENT for a hole. */
int body_chunk(struct slice *data, uint64_t *generation, struct snapshot *bodies, const struct record *record,
               uint32_t chunk);
/* A whole chunk (CHUNK_DATA bytes, zero behind `*size`) with its deltas, and the generation of its row. */
int body_whole_chunk(char *whole, size_t *size, struct snapshot *objects, struct snapshot *bodies,
                     const struct record *record, uint32_t chunk, uint64_t *base);

/* full when writing that much would take the last of the disk, which is left to what frees space. */
int body_check_room(struct transaction *txn, size_t size);
/* Puts one chunk's row: its checksum and data. */
int body_put_chunk(struct transaction *txn, const struct key *key, const void *data, size_t size, bool append);

/* ------------------------------------------- short range writes (body_delta.c) */

/* One of them, or its part in one chunk. */
struct delta {
    uint64_t id, generation;
    uint32_t chunk, at; /* at: where in the chunk */
    struct slice data;
};

int body_delta_read(struct delta *out, struct slice key, struct slice value);
/* Whether a range write is to be kept as a delta. */
bool body_delta_fits(const struct txn *txn, size_t size);
int body_delta_put(struct txn *txn, uint64_t id, uint64_t generation, uint64_t offset, const char *data, size_t size);
/* Lays the deltas newer than the generation `base`, as the record sees them, over `size` bytes of a chunk from `at`
 * on; `*end` is where in the chunk the last of them ends. */
int body_overlay(size_t *end, struct snapshot *objects, const struct record *record, uint32_t chunk,
                 uint64_t base, size_t at, char *to, size_t size);
/* The first chunk from `chunk` on with a delta that the record sees; `*out` stays if there is none. */
int body_delta_next(uint32_t *out, struct snapshot *objects, const struct record *record, uint32_t chunk);
/* Whether the body has a delta that is newer than the record. */
int body_delta_newer(bool *out, struct snapshot *objects, const struct record *record);
/* The caretaker's: all of a body's; merges those of some chunks into them. */
int body_forget_deltas(struct txn *txn, uint64_t id);
int body_merge_slice(store *s, bool *more);
/* Deletes the rows of one chunk older than `generation`. */
int body_delete_older(struct transaction *txn, uint64_t id, uint32_t chunk, uint64_t generation);

/* A change of a published body that only `record` refers to, as generation `version`: `data` goes to the bytes from
 * `offset` on; without data the body ends at `offset`, which is less than its size. */
struct body_change {
    const struct record *record;
    uint64_t version, offset;
    const char *data;
    uint64_t size;
};
/* A short range becomes a delta, else the touched chunks are written anew. The caller publishes by writing the record
 * with that generation. */
int body_change(struct txn *txn, const struct body_change *change);
/* The chunks that it touches. */
struct chunk_range body_change_chunks(const struct body_change *change);

/* What writes chunks waits in memory for the end of the transaction, as kept bodies do (body_flush), and shares their
 * commit. A long change is kept in pieces of whole chunks. */
int body_keep_change(struct txn *txn, const struct body_change *change);
int body_write_kept_changes(const struct txn *owner, struct transaction *txn);
struct body_piece {
    struct body_change change;
    struct chunk_range chunks; /* of the whole change, for its marker */
    bool continued;            /* another piece came before */
    uint64_t since;            /* the transaction's first version */
};
int body_write_piece(struct transaction *txn, struct snapshot *objects, const struct body_piece *piece);

#endif
