/*
 * store.h - the public interface of libstore.
 *
 * A store is a directory that keeps objects at locations ("/people/ada") with
 * the semantics of HTTP: PUT inserts, or replaces when told so; PATCH changes
 * parts; a conflict of keys is an error and changes nothing. docs/semantics.md
 * has the rules, with the RFC section each follows; this header has what a
 * caller in C must know.
 *
 * Conventions, stated once:
 *
 * - Results come first: a function writes to its leading out-parameters, then
 *   takes the handle, then the arguments, then options. On error every
 *   out-parameter is zero or NULL unless its comment says otherwise.
 * - A function returns STORE_OK (0), a positive "no more" (STORE_END,
 *   STORE_TIMEOUT) where its comment names one, or a negative code of
 *   enum store_code. The details of the last error of the calling thread are
 *   in store_problem_last() and store_problem_json().
 * - A pointer returned directly is borrowed; a pointer written through a
 *   pointer is the caller's, to be released with the function its comment
 *   names (plain memory: store_free).
 * - Text is UTF-8 and NUL-terminated unless a length goes with it. Sizes are
 *   bytes, times are nanoseconds since 1970-01-01 UTC.
 * - Structs that a caller fills in begin with `version` and have an _INIT
 *   macro; they grow only at their end. Passing NULL means _INIT.
 * - Any thread may use one store at any time. Every other handle (transaction,
 *   reader, writer, iterator, feed, view) belongs to one thread at a time; a
 *   transaction that writes stays with the thread that began it.
 * - A store must not be used by a child after fork(); each call then answers
 *   STORE_BAD_ARGUMENT. Open it again in the child.
 * - Nothing here prints, exits, or changes the state of the process (signal
 *   handlers, locale, working directory, umask).
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header, by semver.org; compare with store_library_version(). */
#define STORE_VERSION "0.1.0"

#define STORE_EXTERN __attribute__((visibility("default")))

/* jansson's value type; include <jansson.h> to use the functions that name it. */
typedef struct json_t json_t;

typedef struct store store;
typedef struct store_txn store_txn;
typedef struct store_reader store_reader;
typedef struct store_writer store_writer;
typedef struct store_iter store_iter;
typedef struct store_feed store_feed;

/* ------------------------------------------------------------------ limits */

#define STORE_LOCATION_MAX 4096 /* bytes of a location */
#define STORE_NAME_MAX 255      /* bytes of one name in it */
#define STORE_TYPE_MAX 127      /* bytes of a media type */
#define STORE_META_MAX 65536    /* bytes of all user metadata of one node, in at most 1,000 items */
#define STORE_JSON_MAX (64u << 20) /* bytes of a typed object's body */
#define STORE_DEPTH_MAX 512     /* nesting of a typed object's body */

/* ------------------------------------------------------------------ errors */

/* SPEC's list of codes, the same on every face. */
enum store_code {
    STORE_OK = 0,
    STORE_END = 1,     /* an iterator or feed has nothing more */
    STORE_TIMEOUT = 2, /* a wait ended without an event */

    STORE_BAD_LOCATION = -1,
    STORE_BAD_ARGUMENT = -2,
    STORE_BAD_BODY = -3,
    STORE_INVALID_VALUE = -4,
    STORE_KEY_MISMATCH = -5,
    STORE_KEY_CONFLICT = -6,
    STORE_KEY_REQUIRED = -7,
    STORE_PROPERTY_TARGET = -8,
    STORE_NOT_FOUND = -9,
    STORE_NO_COLLECTION = -10,
    STORE_KIND_CONFLICT = -11,
    STORE_NOT_EMPTY = -12,
    STORE_PRECONDITION_FAILED = -13,
    STORE_PRECONDITION_REQUIRED = -14,
    STORE_UNSUPPORTED_MEDIA_TYPE = -15,
    STORE_TOO_LARGE = -16,
    STORE_FULL = -17,
    STORE_READ_ONLY = -18,
    STORE_DENIED = -19,
    STORE_BUSY = -20,
    STORE_CORRUPT = -21,
    STORE_IO = -22,
    STORE_NO_MEMORY = -23,
    STORE_UNSUPPORTED_FORMAT = -24,
};

/* One violation inside a body: where (RFC 6901 pointer) and what. */
typedef struct store_violation {
    const char *pointer;
    const char *detail;
} store_violation;

/*
 * The last error of the calling thread, all text borrowed until that thread's
 * next call into the library. Absent texts are NULL, an absent version is 0.
 */
typedef struct store_problem {
    int code;
    const char *detail;         /* one line for a person */
    const char *location;       /* what the request was about */
    const char *key;            /* key_conflict: the key's properties, joined by "," */
    const char *value;          /* key_conflict: the value they have, as key text */
    const char *conflicts_with; /* key_conflict: the location that holds it */
    uint64_t version;           /* precondition_failed: the current version */
    int os_error;               /* the errno a KIND_CONFLICT, BAD_LOCATION or IO stands for */
    size_t violation_count;
    const store_violation *violations;
    size_t violations_dropped;  /* violations beyond those kept */
} store_problem;

/* Never NULL; its code is STORE_OK when the last call succeeded. Does not fail. */
STORE_EXTERN const store_problem *store_problem_last(void);
/* The same as RFC 9457 problem JSON. Borrowed likewise; does not allocate. */
STORE_EXTERN const char *store_problem_json(void);

/* "key_conflict"; borrowed for ever. Unknown codes give "io". */
STORE_EXTERN const char *store_code_name(int code);
/* A short title for people; borrowed for ever. */
STORE_EXTERN const char *store_code_title(int code);
/* The code of a name such as "key_conflict", or STORE_OK for none. */
STORE_EXTERN int store_code_from_name(const char *name);
/* The errno and the HTTP status SPEC's table gives for a code. The table's two
 * ambiguous rows depend on the problem: pass store_problem_last()->os_error. */
STORE_EXTERN int store_code_errno(int code, int os_error);
STORE_EXTERN int store_code_http(int code, int os_error);

/* Releases memory that the library wrote through a char ** or void **. NULL is fine. */
STORE_EXTERN void store_free(void *memory);

/* ------------------------------------------------------- a handle's life */

enum store_open_flags {
    STORE_OPEN_CREATE = 1 << 0,    /* make the store when PATH is absent or empty */
    STORE_OPEN_READ_ONLY = 1 << 1, /* every writing call answers read_only */
    STORE_OPEN_EXCLUSIVE = 1 << 2, /* nobody else may have it open: else busy, here and there */
};

typedef enum store_durability {
    STORE_DURABLE_COMMIT = 0,  /* a verb that returned is on disk */
    STORE_DURABLE_RELAXED = 1, /* a power failure may cost the last second; a killed process nothing */
} store_durability;

typedef struct store_options {
    unsigned version;            /* STORE_OPTIONS_VERSION */
    unsigned flags;              /* enum store_open_flags */
    store_durability durability;
    unsigned file_mode;          /* of new files, before umask; 0 means 0660 */
    uint64_t map_size;           /* bytes of address space a file; 0 means plenty */
    uint64_t log_limit;          /* versions the change log reaches back; 0 means 100,000 */
} store_options;

#define STORE_OPTIONS_VERSION 1
#define STORE_OPTIONS_INIT { .version = STORE_OPTIONS_VERSION }

/*
 * Opens the store in directory `path`. Opening one store twice in a process
 * gives the same handle again, to be closed as often. Not for network file
 * systems. Errors: not_found (no store there), busy, unsupported_format,
 * kind_conflict (the directory holds something else), denied, io, full, corrupt;
 * read_only for reading only what a power failure left: open it for writing once.
 */
STORE_EXTERN int store_open(store **out, const char *path, const store_options *options);
/* Ends the handle; every other handle made from it must be gone. NULL is fine. */
STORE_EXTERN void store_close(store *s);
/* Waits until everything that was answered is on disk (relaxed durability). */
STORE_EXTERN int store_sync(store *s);
/* The directory it was opened by, absolute. Borrowed until store_close. */
STORE_EXTERN const char *store_path(const store *s);
/* The version of the library in use, as STORE_VERSION is of the header. */
STORE_EXTERN const char *store_library_version(void);

/* ------------------------------------------------------------ transactions */

/*
 * Begins an explicit transaction over several verbs: give it to them in
 * store_request.txn or store_get_options.txn. One that writes keeps every
 * other writer of the store waiting until it ends, so keep it short. A verb
 * that fails inside leaves the transaction as it was before that verb.
 * With `read_only` it is one snapshot for several reads (streams excepted: see
 * store_reader_open), and it pins space as long as it is open. Errors: busy, read_only, no_memory, io.
 */
STORE_EXTERN int store_begin(store_txn **out, store *s, bool read_only);
/* Makes all of it visible and durable, or nothing. Ends the handle either way. */
STORE_EXTERN int store_commit(store_txn *txn);
/* Forgets all of it. Ends the handle. NULL is fine. store_problem_last() stays what it was. */
STORE_EXTERN void store_abort(store_txn *txn);

/* --------------------------------------------------------------- requests */

enum store_flags {
    STORE_REPLACE = 1 << 0,   /* PUT, MOVE, COPY: an existing target is replaced */
    STORE_NOREPLACE = 1 << 1, /* PUT, POST: an existing target is key_conflict */
    STORE_INSERT = 1 << 2,    /* PATCH, merging PUT: a missing target is created */
    STORE_NOINSERT = 1 << 3,  /* PUT, POST: a missing target is not_found */
    STORE_RECURSIVE = 1 << 4, /* DELETE: a collection with all below it */
    STORE_PARENTS = 1 << 5,   /* missing collections above the target are made */
    STORE_PARTIAL = 1 << 6,   /* many at once: each succeeds or fails alone */
    STORE_DRY_RUN = 1 << 7,   /* everything but the commit */
    STORE_IF_MATCH_ANY = 1 << 8,      /* If-Match: * */
    STORE_IF_NONE_MATCH_ANY = 1 << 9, /* If-None-Match: * */
    STORE_SET_META = 1 << 10, /* meta[] replaces all user metadata, even when empty */
    STORE_EXCHANGE = 1 << 11, /* MOVE: both exist, and trade places */
};

/* One item of user metadata. The value is bytes. */
typedef struct store_meta {
    const char *name;
    const void *value;
    size_t size;
} store_meta;

enum store_attribute_mask {
    STORE_ATTR_MODE = 1 << 0,
    STORE_ATTR_OWNER = 1 << 1,
    STORE_ATTR_GROUP = 1 << 2,
    STORE_ATTR_MODIFIED = 1 << 3,
    STORE_ATTR_ACCESSED = 1 << 4,
    STORE_ATTR_CHANGED = 1 << 5,
};

/* What POSIX keeps of a file beside its bytes; `mask` says which are meant. */
typedef struct store_attributes {
    unsigned mask;
    uint32_t mode; /* permission, set-id and sticky bits: 07777 */
    uint32_t uid, gid;
    int64_t modified; /* ns */
    int64_t accessed; /* ns; kept as it is set, reading does not change it */
    int64_t changed;  /* ns; for a face that has told the time of a change before it was committed */
} store_attributes;

/* Options of every verb that writes. What does not apply to a verb is ignored
 * only where its comment says so; else it is bad_argument. */
typedef struct store_request {
    unsigned version; /* STORE_REQUEST_VERSION */
    unsigned flags;   /* enum store_flags */
    store_txn *txn;   /* NULL: a transaction of its own */
    const char *type; /* media type; NULL keeps the old one or takes the collection's */
    const store_meta *meta; /* with STORE_SET_META */
    size_t meta_count;
    const store_attributes *attributes; /* NULL keeps or defaults */
    const uint64_t *if_match;           /* any of these versions */
    size_t if_match_count;
    const uint64_t *if_none_match;      /* none of these versions */
    size_t if_none_match_count;
    int64_t if_unmodified_since;        /* seconds since 1970; 0: no condition */
    uint64_t base;    /* the location begins at the collection with this id, "/" being that collection
                         itself; 0: at the root. not_found if there is none. Answers and the change log
                         have whole locations all the same */
    uint64_t to_base; /* the same for the second location of MOVE, COPY and link */
    uint64_t id;      /* the id of the node that is created, from store_reserve_ids; 0: the store's choice.
                         A PUT that replaces a node with another id removes that and creates this one */
    uint64_t if_id;   /* the target is to be the node with this id, else precondition_failed (not_found if
                         nothing is there). One with several names is found even if the location is wrong,
                         but not by DELETE and MOVE, which are about the name */
} store_request;

#define STORE_REQUEST_VERSION 1
#define STORE_REQUEST_INIT { .version = STORE_REQUEST_VERSION }

typedef enum store_outcome {
    STORE_NOTHING = 0,
    STORE_CREATED = 1,
    STORE_UPDATED = 2,
    STORE_DELETED = 3,
    STORE_MOVED = 4, /* in the change log only: a MOVE's answer is created or updated */
    STORE_GAP = 5,   /* in the change log only: the reader fell behind */
} store_outcome;

/* "created"; borrowed for ever. */
STORE_EXTERN const char *store_outcome_name(store_outcome outcome);

/* What a verb did to one object. */
typedef struct store_result {
    store_outcome outcome;
    uint64_t version; /* the new one; of the deletion for STORE_DELETED */
    bool completed;   /* the body kept is not the bytes sent: give no ETag */
    char *location;
    int code;         /* partial: STORE_OK, or why this one failed ... */
    char *problem;    /* ... and its problem JSON; else NULL */
} store_result;

/*
 * The answer of a writing verb. `one` is the target, or the first of many;
 * when the request was about many, `many` has them all in the request's order.
 * Release with store_answer_clear. A verb takes NULL if nobody wants it.
 */
typedef struct store_answer {
    store_result one;
    size_t count; /* 0: the request was about one */
    store_result *many;
    size_t failed; /* of `count`, with partial */
    bool dry_run;
} store_answer;

STORE_EXTERN void store_answer_clear(store_answer *answer);
/* {"outcome":"created","location":"/people/ada","version":"00000000000000a1"} or the
 * same with "results":[...]; release with store_free. Errors: no_memory. */
STORE_EXTERN int store_answer_json(char **out, const store_answer *answer);

/* A version as SPEC writes it: 16 hex digits and NUL. Returns `text`. */
STORE_EXTERN char *store_version_text(char text[17], uint64_t version);
/* The inverse; false unless `text` is exactly 16 lower-case hex digits. */
STORE_EXTERN bool store_version_parse(uint64_t *out, const char *text);

/* -------------------------------------------------------------- the verbs */

/*
 * PUT (RFC 9110 9.3.4): makes `body` the object at `location`, by the policy
 * of its collection and the flags. To a collection ordered auto or unordered
 * it appends the object, or every object of an array. To one with policy
 * merge it may bring the key, or a list of keys, in the body.
 * Expected errors: key_conflict, precondition_failed, invalid_value; also
 * key_mismatch, key_required, property_target, no_collection, kind_conflict,
 * bad_body, bad_location, precondition_required, too_large, full.
 */
STORE_EXTERN int store_put(store_answer *out, store *s, const char *location, const void *body, size_t size,
                           const store_request *request);
/* The same with a jansson value as the body, written compactly. `value` is borrowed. */
STORE_EXTERN int store_put_json(store_answer *out, store *s, const char *location, const json_t *value,
                                const store_request *request);
/* PUT of a symbolic link with `target` as its text (plain collections only). */
STORE_EXTERN int store_put_link(store_answer *out, store *s, const char *location, const char *target,
                                const store_request *request);

typedef enum store_patch_kind {
    STORE_PATCH_MERGE = 0, /* RFC 7396; the bare value when the target is a property */
    STORE_PATCH_JSON = 1,  /* RFC 6902 */
} store_patch_kind;

/*
 * PATCH (RFC 5789) of a typed object, one of its properties, or with a list of
 * keys in the body of many objects of a collection. A failed JSON Patch `test`
 * is precondition_failed; a patch that does not apply is invalid_value.
 * Expected errors: not_found, invalid_value, precondition_failed.
 */
STORE_EXTERN int store_patch(store_answer *out, store *s, const char *location, store_patch_kind kind,
                             const void *body, size_t size, const store_request *request);
/* PATCH of a plain object: `body` goes to the bytes from `offset` on; the object
 * grows when needed, a gap reads as zero bytes. Only the touched chunks are
 * written. STORE_INSERT makes a missing object. */
STORE_EXTERN int store_patch_range(store_answer *out, store *s, const char *location, uint64_t offset,
                                   const void *body, size_t size, const store_request *request);

/*
 * POST (RFC 9110 9.3.3) to a typed collection: one object, or an array of
 * them, each found by its key properties and merged, or inserted. To a plain
 * collection: the body becomes a new object under a name the store picks.
 * Expected errors: key_conflict (noreplace), not_found (noinsert), kind_conflict.
 */
STORE_EXTERN int store_post(store_answer *out, store *s, const char *location, const void *body, size_t size,
                            const store_request *request);

/* DELETE (RFC 9110 9.3.5): an object, an empty collection, with STORE_RECURSIVE
 * any; a property returns to its initial state (outcome updated).
 * Expected errors: not_found, not_empty, precondition_failed. */
STORE_EXTERN int store_delete(store_answer *out, store *s, const char *location, const store_request *request);

/* Sets the size of a plain object's body: what is cut off is gone, what is added reads as zero bytes
 * and takes no space. `modified` is set even when the size is the same.
 * Expected errors: not_found, too_large, unsupported_media_type (of a typed object). */
STORE_EXTERN int store_resize(store_answer *out, store *s, const char *location, uint64_t size,
                              const store_request *request);

/* Gives an object, link or special node of a plain collection another name: `location`. From then on
 * each name is as good as any: what is done to the node at one shows at all, and DELETE takes one away, the
 * last with the node. Outcome `created`; the node gets a new version.
 * Expected errors: not_found, key_conflict, kind_conflict (a collection; anything in a typed one). */
STORE_EXTERN int store_link(store_answer *out, store *s, const char *existing, const char *location,
                            const store_request *request);

/* Makes a FIFO, socket or device node: `special` is S_IFIFO, S_IFSOCK, S_IFCHR or S_IFBLK, `device` the
 * number of a device. With STORE_REPLACE or without, what is there already is key_conflict. */
STORE_EXTERN int store_put_special(store_answer *out, store *s, const char *location, uint32_t special,
                                   uint64_t device, const store_request *request);

/* Takes `count` ids for nodes to be created: *first and those behind it. They are never given out again,
 * whether or not they are used; they lie from 2^52 on, above every version. Cheap for thousands at a time. */
STORE_EXTERN int store_reserve_ids(uint64_t *first, store *s, uint64_t count);

/* MOVE and COPY (RFC 4918 9.9, 9.8), whole subtrees too, one transaction.
 * Within a typed collection the key properties follow the new location. MOVE with
 * STORE_EXCHANGE lets two nodes trade places, whatever they are, and with STORE_REPLACE onto another
 * name of the same node does nothing, as rename(2) has it.
 * Expected errors: not_found, key_conflict, not_empty. */
STORE_EXTERN int store_move(store_answer *out, store *s, const char *from, const char *to,
                            const store_request *request);
STORE_EXTERN int store_copy(store_answer *out, store *s, const char *from, const char *to,
                            const store_request *request);

/* Makes a plain collection. Expected errors: key_conflict if there is anything already
 * (none with STORE_PARENTS when it is a collection: then the outcome is STORE_NOTHING). */
STORE_EXTERN int store_make_collection(store_answer *out, store *s, const char *location,
                                       const store_request *request);

/* Sets type, metadata and attributes of a node without touching its body; a new version. */
STORE_EXTERN int store_set(store_answer *out, store *s, const char *location, const store_request *request);
/* Sets one item of user metadata, or removes it when `value` is NULL. STORE_NOREPLACE
 * and STORE_NOINSERT refuse an existing and a missing item. */
STORE_EXTERN int store_meta_set(store_answer *out, store *s, const char *location, const char *name,
                                const void *value, size_t size, const store_request *request);

/* Defines a typed collection (SPEC 4): makes it if absent, else checks and indexes every
 * object first. NULL as definition makes it plain again. Expected errors: invalid_value
 * with a violation for each fault of the definition, or each object that does not
 * conform or has another's unique key (pointer: its location); bad_body. */
STORE_EXTERN int store_define(store_answer *out, store *s, const char *location, const char *definition,
                              size_t size, const store_request *request);

/* -------------------------------------------------------------- reading */

typedef enum store_kind {
    STORE_COLLECTION = 1,
    STORE_OBJECT = 2,
    STORE_LINK = 3,     /* a symbolic link; its body is the target */
    STORE_PROPERTY = 4, /* a member of a typed object; its body is the JSON value */
    STORE_SPECIAL = 5,  /* a FIFO, socket or device node: it has a name and attributes, no body */
} store_kind;

/* "collection"; borrowed for ever. */
STORE_EXTERN const char *store_kind_name(store_kind kind);

typedef struct store_stat {
    store_kind kind;
    bool typed;       /* a collection with a definition, or an object in one */
    uint64_t id;      /* stable for the node's life, never used again */
    uint64_t version; /* of the object; a property has its object's */
    uint64_t size;    /* of the body; 0 for a collection */
    int64_t created, modified, changed;
    uint32_t mode, uid, gid;
    int64_t accessed;    /* as it was set; else `modified` */
    uint64_t links;      /* names that the node has; of a collection 2 and its subcollections */
    uint32_t special;    /* STORE_SPECIAL: S_IFIFO, S_IFSOCK, S_IFCHR or S_IFBLK; else 0 */
    uint64_t device;     /* of a device node, as stat(2) has it in st_rdev */
    char type[STORE_TYPE_MAX + 1]; /* media type, never empty for an object */
} store_stat;

typedef struct store_get_options {
    unsigned version; /* STORE_GET_OPTIONS_VERSION */
    store_txn *txn;   /* read in this transaction; NULL: the newest snapshot */
    uint64_t base;    /* as in store_request */
    uint64_t if_id;   /* as in store_request */
} store_get_options;

#define STORE_GET_OPTIONS_VERSION 1
#define STORE_GET_OPTIONS_INIT { .version = STORE_GET_OPTIONS_VERSION }

/* What is at `location`. Expected errors: not_found. */
STORE_EXTERN int store_stat_get(store_stat *out, store *s, const char *location,
                                const store_get_options *options);

/* GET: the whole body (a property's JSON value) in memory; release with store_free.
 * A NUL follows it. `stat` may be NULL. Errors: not_found, kind_conflict for a
 * collection, corrupt, no_memory. */
STORE_EXTERN int store_get(void **body, size_t *size, store_stat *stat, store *s, const char *location,
                           const store_get_options *options);
/* The same as a jansson value, to be released with json_decref. bad_body if it is no JSON. */
STORE_EXTERN int store_get_json(json_t **out, store_stat *stat, store *s, const char *location,
                                const store_get_options *options);

/*
 * A body without copying. `body` points into the database until
 * store_view_close; until then it pins a snapshot and the space of everything
 * deleted since, so close it soon. A body in several chunks is gathered.
 */
typedef struct store_view {
    const void *body;
    size_t size;
    uint64_t version;
    void *internal[4];
} store_view;

STORE_EXTERN int store_view_open(store_view *out, store *s, const char *location,
                                 const store_get_options *options);
STORE_EXTERN void store_view_close(store_view *view);

/* Copies up to `capacity` bytes from `offset` on into `buffer`. */
STORE_EXTERN int store_read(size_t *size, store *s, const char *location, void *buffer, size_t capacity,
                            uint64_t offset, const store_get_options *options);

/*
 * A body of any size as a stream, in constant memory, without pinning a
 * snapshot. It reads the version it opened. When that was replaced or deleted
 * it goes on as long as it can and then answers precondition_failed (ESTALE):
 * never bytes of two versions. Every byte that it gives was verified since it was
 * opened, by the checksum of its chunk (64 KiB): corrupt if that does not fit. Each
 * read is from the file, but a chunk that was verified need not be again: what is
 * damaged after that is for the next reader to find.
 */
STORE_EXTERN int store_reader_open(store_reader **out, store *s, const char *location,
                                   const store_get_options *options);
/* What was opened. Borrowed until store_reader_close. */
STORE_EXTERN const store_stat *store_reader_stat(const store_reader *reader);
/* Reads on from the position; `*got` is 0 at the end only. */
STORE_EXTERN int store_reader_read(size_t *got, store_reader *reader, void *buffer, size_t capacity);
/* Sets the position; beyond the end is no error, reading there gives nothing. */
STORE_EXTERN int store_reader_seek(store_reader *reader, uint64_t offset);
/* From now on the version stays readable until the reader is closed, whatever becomes of the object:
 * its body is held in the store, without copying it. The hold of a process that dies is given up. Nothing is
 * written when the reader has the body in memory. Errors: precondition_failed if it was replaced already. */
STORE_EXTERN int store_reader_keep(store_reader *reader);
/* The next run of bytes at or behind `offset` that the store keeps: *begin up to *end. Between runs are
 * holes: zero bytes that take no space. STORE_END, and both the size, when there is none. */
STORE_EXTERN int store_reader_extent(uint64_t *begin, uint64_t *end, store_reader *reader, uint64_t offset);
STORE_EXTERN void store_reader_close(store_reader *reader);

/*
 * A PUT of any size in constant memory (a typed object: up to STORE_JSON_MAX,
 * gathered). Nothing is visible before store_writer_commit; preconditions,
 * policy and parents are checked when it opens, to refuse early, and again in
 * the transaction that publishes. store_writer_close without a commit leaves
 * everything as it was; so does the death of the process.
 */
STORE_EXTERN int store_writer_open(store_writer **out, store *s, const char *location,
                                   const store_request *request);
STORE_EXTERN int store_writer_write(store_writer *writer, const void *data, size_t size);
/* Writes `data` at `offset`, over what was written before; behind the end it goes on from there, with a
 * hole between. Meant for few changes: each may read and write a chunk. Not for ranges and typed objects. */
STORE_EXTERN int store_writer_write_at(store_writer *writer, uint64_t offset, const void *data, size_t size);
/* Copies back what was written, up to `capacity` bytes from `offset` on; *got is 0 behind the end. Not for
 * ranges. */
STORE_EXTERN int store_writer_read(size_t *got, store_writer *writer, void *buffer, size_t capacity,
                                   uint64_t offset);
/* Publishes. After an error it may be tried again, or closed. */
STORE_EXTERN int store_writer_commit(store_answer *out, store_writer *writer);
/* Publishes at another location and by another request than it was opened with; a writer opened with the location
 * NULL, which checks nothing at first, at its first. Not for ranges. */
STORE_EXTERN int store_writer_commit_at(store_answer *out, store_writer *writer, const char *location,
                                        const store_request *request);
STORE_EXTERN void store_writer_close(store_writer *writer);
/* A range PATCH as a stream: what is written replaces the bytes from `offset` on. */
STORE_EXTERN int store_writer_open_range(store_writer **out, store *s, const char *location, uint64_t offset,
                                         const store_request *request);

/* One item of user metadata; release with store_free. Expected errors: not_found. */
STORE_EXTERN int store_meta_get(void **value, size_t *size, store *s, const char *location, const char *name,
                                const store_get_options *options);
/* All of it, by name; release the one block with store_free. */
STORE_EXTERN int store_meta_list(store_meta **items, size_t *count, store *s, const char *location,
                                 const store_get_options *options);

/* The definition's text as it was given; not_found for a plain collection. store_free. */
STORE_EXTERN int store_definition_get(char **text, size_t *size, store *s, const char *location,
                                      const store_get_options *options);

/* The location that `body` has in a typed collection by its key properties; store_free.
 * Errors: key_required when they are not all there, invalid_value, bad_body. */
STORE_EXTERN int store_locate(char **location, store *s, const char *collection, const void *body, size_t size,
                              const store_get_options *options);

/* ------------------------------------------------------------- listing */

/* A property and its value as key text: {"numeric", "004"}. */
typedef struct store_field {
    const char *name;
    const char *value;
} store_field;

typedef struct store_list_options {
    unsigned version; /* STORE_LIST_OPTIONS_VERSION */
    store_txn *txn;
    const char *prefix; /* names that begin so */
    const char *after;  /* names behind this one, in listing order; it need not exist */
    uint64_t limit;     /* 0: all */
    bool reverse;
    bool bodies;        /* fill in store_entry.body, up to `body_max` bytes of each */
    size_t body_max;    /* 0: STORE_JSON_MAX */
    const store_field *where; /* equal to these: a unique key's or the key's properties, */
    size_t where_count;       /* or the first ones of it */
    const char *order_by;     /* a unique key's properties joined by ","; then `after`
                                 and `prefix` are key text of that key */
    uint64_t base;            /* as in store_request */
} store_list_options;

#define STORE_LIST_OPTIONS_VERSION 1
#define STORE_LIST_OPTIONS_INIT { .version = STORE_LIST_OPTIONS_VERSION }

/* One entry, borrowed until the iterator's next call. */
typedef struct store_entry {
    const char *name;
    const store_stat *stat;
    const void *body; /* with options.bodies, if it fits body_max; else NULL */
    size_t body_size;
    const char *index_key; /* with order_by: the unique key's text; else NULL */
} store_entry;

/*
 * The entries of a collection in its listing order. The iterator reads in
 * pages, each from one snapshot, and pins none in between: entries that come
 * and go meanwhile are seen or not, no other is skipped or repeated. For one
 * snapshot throughout pass a read_only transaction.
 * Errors: not_found, kind_conflict, bad_argument (no such unique key).
 */
STORE_EXTERN int store_iter_open(store_iter **out, store *s, const char *location,
                                 const store_list_options *options);
/* STORE_OK with the next entry, STORE_END after the last. */
STORE_EXTERN int store_iter_next(store_entry *out, store_iter *iter);
STORE_EXTERN void store_iter_close(store_iter *iter);

/* The location of the node with this id (one of them, if it has several); store_free. A collection or a
 * node with several names is found at once, any other by going through the store. Expected errors: not_found. */
STORE_EXTERN int store_location_of(char **location, store *s, uint64_t id, const store_get_options *options);

/* The location of the object with this unique (or main) key; store_free.
 * All properties of the key must be given. Expected errors: not_found. */
STORE_EXTERN int store_find(char **location, store *s, const char *collection, const store_field *fields,
                            size_t count, const store_get_options *options);

/* --------------------------------------------------------- change feed */

/* One change. Borrowed until the feed's next call. */
typedef struct store_change {
    uint64_t version;
    store_outcome outcome; /* created updated deleted moved, or gap */
    store_kind kind;
    const char *location;
    const char *from;      /* moved: where it was; else NULL */
    int64_t time;          /* of the commit */
} store_change;

/*
 * Every committed change after version `since`, of `location` and all below
 * (NULL or "/": everything), in commit order, whichever process made it.
 * A recursive DELETE, a MOVE and a COPY of a collection are one change that
 * stands for all below. The log is bounded: when changes after `since` are gone already,
 * the first item is a STORE_GAP whose version is the last one lost; list again
 * and go on.
 */
STORE_EXTERN int store_feed_open(store_feed **out, store *s, const char *location, uint64_t since);
/* The next change, waiting for it up to `timeout_ms` (0: not at all, -1: for ever).
 * STORE_TIMEOUT when none came, STORE_END after store_feed_stop. Sleeps in the
 * kernel, holds no snapshot, and is woken by commits of any process. */
STORE_EXTERN int store_feed_next(store_change *out, store_feed *feed, int timeout_ms);
/* Ends a wait in another thread; safe from a signal handler. */
STORE_EXTERN void store_feed_stop(store_feed *feed);
STORE_EXTERN void store_feed_close(store_feed *feed);
/* The version of the last committed change: where a feed of only new ones begins. */
STORE_EXTERN int store_last_version(uint64_t *out, store *s);

/* ------------------------------------------------------ administration */

/* What one of the two files holds. */
typedef struct store_space {
    uint64_t file_bytes, used_bytes, reclaimable_bytes;
    uint64_t entries, depth, branch_pages, leaf_pages, overflow_pages, page_size;
    uint64_t last_transaction, map_bytes;
    unsigned readers, readers_max;
} store_space;

typedef struct store_stats {
    uint64_t collections, typed_collections, objects, links, specials;
    uint64_t body_bytes;       /* sum of all sizes */
    uint64_t inline_objects, chunked_objects, chunks;
    uint64_t index_entries;
    uint64_t changes;          /* in the log */
    uint64_t oldest_change, last_version;
    uint64_t staged_uploads, garbage_bodies, garbage_collections;
    store_space objects_space, bodies_space;
} store_stats;

/* Counts and sizes, from one snapshot of each file; reads every record. */
STORE_EXTERN int store_stats_get(store_stats *out, store *s);

typedef struct store_reader_info {
    bool bodies;          /* of the bodies file, else of the objects file */
    int64_t pid;
    uint64_t transaction; /* it pins; 0: none */
    uint64_t lag;         /* commits behind the newest */
    uint64_t pinned_bytes; /* freed since and kept for it and others as old */
    bool alive;
} store_reader_info;

/* What a file system's statfs() wants: bytes in all, and bytes that can still be written: the disk's free
 * space (to whom is not privileged) and the pages of the store's files that can be used again. Nodes are not
 * counted: `nodes` is an estimate. Reads no records. */
typedef struct store_room {
    uint64_t total_bytes, free_bytes, available_bytes; /* available: to an ordinary user */
    uint64_t nodes;
} store_room;

STORE_EXTERN int store_room_get(store_room *out, store *s);

/* Who reads, in all processes; release with store_free. Clears dead readers after
 * listing them. */
STORE_EXTERN int store_readers(store_reader_info **out, size_t *count, store *s);

typedef struct store_finding {
    const char *kind;     /* a fixed word for programs: "chunk_missing" ... */
    const char *location; /* NULL when it is not about a node */
    const char *detail;
    bool repaired;
} store_finding;

typedef struct store_check_report {
    uint64_t objects, collections, chunks, index_entries, changes, findings, repaired;
} store_check_report;

enum store_check_flags {
    STORE_CHECK_REPAIR = 1 << 0, /* mend what can be mended without loss; needs STORE_OPEN_EXCLUSIVE */
    STORE_CHECK_SHALLOW = 1 << 1, /* do not read bodies for their checksums */
};

/* Verifies every invariant of docs/format.md and calls `each` for what is wrong.
 * STORE_OK when it ran, whatever it found; `each` returning non-zero ends it. */
STORE_EXTERN int store_check(store_check_report *out, store *s, unsigned flags,
                             int (*each)(const store_finding *finding, void *payload), void *payload);

/* A consistent copy in the new directory `target`, while the store is in use. `progress`
 * (may be NULL) is called with bytes done and to do; non-zero from it ends the copy, and
 * what was written is removed. Errors: key_conflict (target exists), full, io. */
STORE_EXTERN int store_backup(store *s, const char *target,
                              int (*progress)(uint64_t done, uint64_t total, void *payload), void *payload);

/* Rewrites the store in `path` without free pages. Errors: busy if it is open anywhere. */
STORE_EXTERN int store_compact(const char *path, uint64_t *before, uint64_t *after);

#ifdef __cplusplus
}
#endif

#endif
