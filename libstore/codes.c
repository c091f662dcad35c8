/* codes.c - the words of the public interface: codes, outcomes, kinds, versions. PURE. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

struct code_row {
    const char *name;
    const char *title;
    int os_error;
    int http;
};

/* SPEC 5, by -code. The rows with two answers hold the usual one. */
static const struct code_row errors[] = {
    [-STORE_OK] = { "ok", "Done", 0, 200 },
    [-STORE_BAD_LOCATION] = { "bad_location", "No valid location", EINVAL, 400 },
    [-STORE_BAD_ARGUMENT] = { "bad_argument", "Bad argument", EINVAL, 400 },
    [-STORE_BAD_BODY] = { "bad_body", "Body cannot be read", EINVAL, 400 },
    [-STORE_INVALID_VALUE] = { "invalid_value", "Value refused by the definition", EINVAL, 422 },
    [-STORE_KEY_MISMATCH] = { "key_mismatch", "Key in the body is not the location's", EINVAL, 409 },
    [-STORE_KEY_CONFLICT] = { "key_conflict", "Key is taken", EEXIST, 409 },
    [-STORE_KEY_REQUIRED] = { "key_required", "Location lacks the key", EISDIR, 409 },
    [-STORE_PROPERTY_TARGET] = { "property_target", "A property takes PATCH, not PUT", EPERM, 405 },
    [-STORE_NOT_FOUND] = { "not_found", "Not found", ENOENT, 404 },
    [-STORE_NO_COLLECTION] = { "no_collection", "Parent collection is missing", ENOENT, 409 },
    [-STORE_KIND_CONFLICT] = { "kind_conflict", "Collection and object mixed up", EISDIR, 409 },
    [-STORE_NOT_EMPTY] = { "not_empty", "Collection is not empty", ENOTEMPTY, 409 },
    [-STORE_PRECONDITION_FAILED] = { "precondition_failed", "Precondition failed", ESTALE, 412 },
    [-STORE_PRECONDITION_REQUIRED] = { "precondition_required", "Precondition required", EPERM, 428 },
    [-STORE_UNSUPPORTED_MEDIA_TYPE] = { "unsupported_media_type", "Unsupported media type", EINVAL, 415 },
    [-STORE_TOO_LARGE] = { "too_large", "Too large", EFBIG, 413 },
    [-STORE_FULL] = { "full", "No space left", ENOSPC, 507 },
    [-STORE_READ_ONLY] = { "read_only", "Store is read-only", EROFS, 403 },
    [-STORE_DENIED] = { "denied", "Permission denied", EACCES, 403 },
    [-STORE_BUSY] = { "busy", "Store is busy", EAGAIN, 503 },
    [-STORE_CORRUPT] = { "corrupt", "Store is damaged", EIO, 500 },
    [-STORE_IO] = { "io", "Input/output error", EIO, 500 },
    [-STORE_NO_MEMORY] = { "no_memory", "Out of memory", ENOMEM, 500 },
    [-STORE_UNSUPPORTED_FORMAT] = { "unsupported_format", "Unsupported store format", EPROTO, 500 },
};

static const struct code_row end_row = { "end", "Nothing more", 0, 200 };
static const struct code_row timeout_row = { "timeout", "Nothing yet", 0, 200 };

#define ERROR_COUNT ((int)(sizeof errors / sizeof errors[0]))

static const struct code_row *row_of(int code)
{
    if (code == STORE_END)
        return &end_row;
    if (code == STORE_TIMEOUT)
        return &timeout_row;
    if (code > 0 || code <= -ERROR_COUNT)
        return &errors[-STORE_IO];
    return &errors[-code];
}

const char *store_code_name(int code)
{
    return row_of(code)->name;
}

const char *store_code_title(int code)
{
    return row_of(code)->title;
}

int store_code_from_name(const char *name)
{
    for (int i = 1; name != NULL && i < ERROR_COUNT; i++)
        if (strcmp(errors[i].name, name) == 0)
            return -i;
    return STORE_OK;
}

int store_code_errno(int code, int os_error)
{
    if (code == STORE_BAD_LOCATION && os_error == ENAMETOOLONG)
        return ENAMETOOLONG;
    if (code == STORE_KIND_CONFLICT && os_error == ENOTDIR)
        return ENOTDIR;
    return row_of(code)->os_error;
}

int store_code_http(int code, int os_error)
{
    if (code == STORE_BAD_LOCATION && os_error == ENAMETOOLONG)
        return 414;
    return row_of(code)->http;
}

const char *store_outcome_name(store_outcome outcome)
{
    switch (outcome) {
    case STORE_NOTHING: return "nothing";
    case STORE_CREATED: return "created";
    case STORE_UPDATED: return "updated";
    case STORE_DELETED: return "deleted";
    case STORE_MOVED: return "moved";
    case STORE_GAP: return "gap";
    }
    return "nothing";
}

const char *store_kind_name(store_kind kind)
{
    switch (kind) {
    case STORE_COLLECTION: return "collection";
    case STORE_OBJECT: return "object";
    case STORE_LINK: return "link";
    case STORE_PROPERTY: return "property";
    case STORE_SPECIAL: return "special";
    }
    return "object";
}

char *store_version_text(char text[17], uint64_t version)
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 15; i >= 0; i--) {
        text[i] = digits[version & 15];
        version >>= 4;
    }
    text[16] = '\0';
    return text;
}

bool store_version_parse(uint64_t *out, const char *text)
{
    uint64_t version = 0;

    *out = 0;
    if (text == NULL)
        return false;
    for (int i = 0; i < 16; i++) {
        if (text[i] >= '0' && text[i] <= '9')
            version = version << 4 | (uint64_t)(text[i] - '0');
        else if (text[i] >= 'a' && text[i] <= 'f')
            version = version << 4 | (uint64_t)(text[i] - 'a' + 10);
        else
            return false;
    }
    if (text[16] != '\0')
        return false;
    *out = version;
    return true;
}

void store_free(void *memory)
{
    free(memory);
}
