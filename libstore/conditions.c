/* conditions.c - preconditions of a write, RFC 9110 section 13.2.2, checked inside its transaction. */
#include "node.h"

static bool listed(const uint64_t *versions, size_t count, uint64_t version)
{
    for (size_t i = 0; i < count; i++)
        if (versions[i] == version)
            return true;
    return false;
}

static int failed(const char *detail, const struct record *existing)
{
    int rc = problem(STORE_PRECONDITION_FAILED, "%s", detail);

    if (existing)
        problem_version(existing->version);
    return rc;
}

bool conditions_any(const store_request *request)
{
    return request->flags & (STORE_IF_MATCH_ANY | STORE_IF_NONE_MATCH_ANY) || request->if_match_count ||
           request->if_none_match_count || request->if_unmodified_since;
}

int conditions_check(const store_request *request, const struct record *existing)
{
    bool if_match = request->flags & STORE_IF_MATCH_ANY || request->if_match_count;

    if (if_match && !existing)
        return failed("there is nothing there, and If-Match wants something", NULL);
    if (request->if_match_count && !(request->flags & STORE_IF_MATCH_ANY) &&
        !listed(request->if_match, request->if_match_count, existing->version))
        return failed("it has another version than If-Match names", existing);
    if (!if_match && request->if_unmodified_since && existing &&
        existing->modified / 1000000000 > request->if_unmodified_since)
        return failed("it was modified after If-Unmodified-Since", existing);
    if (request->flags & STORE_IF_NONE_MATCH_ANY && existing)
        return failed("it exists, and If-None-Match is *", existing);
    if (existing && listed(request->if_none_match, request->if_none_match_count, existing->version))
        return failed("it has a version that If-None-Match names", existing);
    return STORE_OK;
}

int conditions_demand(const struct definition *definition, const store_request *request)
{
    if (!definition || !definition->require_precondition || conditions_any(request))
        return STORE_OK;
    return problem(STORE_PRECONDITION_REQUIRED,
                   "the collection wants a precondition (If-Match with the version last seen)");
}
