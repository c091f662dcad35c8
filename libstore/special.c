/* special.c - FIFOs, sockets and device nodes: a name and attributes, no body. */
#include <errno.h>
#include <sys/stat.h>

#include "node.h"
#include "verb.h"

#define SPECIAL_FLAGS (STORE_REPLACE | STORE_NOREPLACE | STORE_PARENTS | STORE_DRY_RUN | STORE_IF_MATCH_ANY | \
                       STORE_IF_NONE_MATCH_ANY | STORE_SET_META | TAKES_ID)

struct special_operation {
    struct operation operation;
    const char *location;
    struct posix posix;
    const store_request *request;
};

static int check_target(const struct target *target)
{
    if (target->definition)
        return problem_os(STORE_KIND_CONFLICT, EISDIR, "a typed collection holds objects only");
    if (target->location.collection)
        return problem_os(STORE_KIND_CONFLICT, ENOTDIR, "a special node is no collection");
    return STORE_OK;
}

static int create(struct txn *txn, const struct target *target, const struct special_operation *op)
{
    struct node_change change = { .kind = NODE_SPECIAL, .request = op->request };
    struct buffer section = BUFFER_INIT;
    int rc;

    attribute_append_posix(&section, &op->posix);
    change.attributes = slice_of(section.data, section.size);
    rc = section.failed ? problem(STORE_NO_MEMORY, "no memory for a special node")
                        : node_write(txn, target, &change, &op->operation.answer->one);
    buffer_release(&section);
    return rc;
}

static int run(struct operation *operation, struct txn *txn)
{
    struct special_operation *op = (struct special_operation *)operation;
    const struct address address = request_address(op->location, op->request);
    struct view view;
    struct target target;
    struct record existing;
    bool exists;
    int rc = node_creatable(node_resolve(&target, txn, &address, op->request), &target);

    if (rc == STORE_OK)
        rc = check_target(&target);
    view = view_of_txn(txn);
    if (rc == STORE_OK)
        rc = tree_record(&existing, &view, &target);
    exists = rc == STORE_OK;
    if (rc >= 0)
        rc = conditions_check(op->request, exists ? &existing : NULL);
    if (rc == STORE_OK)
        rc = exists ? node_taken(&target) : create(txn, &target, op);
    if (rc < 0)
        problem_location(tree_named(&target, &address));
    return rc;
}

int store_put_special(store_answer *out, store *s, const char *location, uint32_t special, uint64_t device,
                      const store_request *request)
{
    struct special_operation op = { .operation = { .run = run }, .location = location,
                                    .posix = { .special = special, .device = device, .flags = POSIX_SPECIAL },
                                    .request = request_or_default(request) };
    int rc;

    store_enter();
    if (out)
        *out = (store_answer){ 0 };
    if (!S_ISFIFO(special) && !S_ISSOCK(special) && !S_ISCHR(special) && !S_ISBLK(special))
        return problem(STORE_BAD_ARGUMENT, "a special node is a FIFO, a socket or a device");
    if (device && !S_ISCHR(special) && !S_ISBLK(special))
        return problem(STORE_BAD_ARGUMENT, "only a device node has the number of a device");
    rc = verb_check(op.request, SPECIAL_FLAGS);
    return rc == STORE_OK ? verb_execute(out, s, op.request, &op.operation) : rc;
}
