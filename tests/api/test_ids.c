/* test_ids.c - nodes named from a collection's id on, by their own id, and made with an id of the caller's. */
#include "api_test.h"

#include <stdio.h>

TestSuite(ids, .init = begin_api_test, .fini = end_api_test);

#define GET(...) (&(store_get_options){ .version = STORE_GET_OPTIONS_VERSION, __VA_ARGS__ })

static uint64_t id_of(const char *location)
{
    return stat_of(location).id;
}

static uint64_t make(const char *location)
{
    assert_ok(make_collection(location, WITH(.flags = STORE_PARENTS)));
    return id_of(location);
}

static uint64_t reserve(uint64_t count)
{
    uint64_t first;

    assert_ok(store_reserve_ids(&first, test_store(), count));
    return first;
}

/* ------------------------------------------------------------------- base */

Test(ids, every_verb_takes_a_location_from_a_base_on)
{
    uint64_t base = make("/a/b");

    assert_created("/a/b/x", put("/x", "1", WITH(.base = base)));
    assert_updated("/a/b/x", put("/x", "2", WITH(.base = base)));
    assert_created("/a/b/c/d/y", put("/c/d/y", "3", WITH(.base = base, .flags = STORE_PARENTS)));
    assert_ok(store_patch_range(fresh_answer(), test_store(), "/x", 1, "!", 1, WITH(.base = base)));
    assert_body("/a/b/x", "2!");
    assert_ok(store_set(fresh_answer(), test_store(), "/x", WITH(.base = base, .type = "text/plain")));
    assert_ok(store_meta_set(fresh_answer(), test_store(), "/x", "k", "v", 1, WITH(.base = base)));
    cr_assert_str_eq(stat_of("/a/b/x").type, "text/plain");
    assert_created("/a/b/e", make_collection("/e", WITH(.base = base)));
    assert_deleted("/a/b/c", erase("/c/", WITH(.base = base, .flags = STORE_RECURSIVE)));
    assert_ok(post("/", "4", WITH(.base = base)));
    cr_assert_eq(strncmp(answered.one.location, "/a/b/", 5), 0);
    assert_created("/a/y", relocate("/x", "/y", WITH(.base = base, .to_base = id_of("/a"))));
    assert_created("/a/b/z", duplicate("/a/y", "/z", WITH(.to_base = base)));
    assert_ok(relocate("/z", "/y", WITH(.base = base, .to_base = id_of("/a"), .flags = STORE_EXCHANGE)));
    assert_ok(store_define(fresh_answer(), test_store(), "/people", J(PEOPLE), strlen(J(PEOPLE)), WITH(.base = base)));
    assert_created("/a/b/people/ada", put("/people/ada", "{}", WITH(.base = base)));
    base = id_of("/a/b/people");
    assert_updated("/a/b/people/ada", patch("/ada/age", "36", WITH(.base = base)));
    assert_created("/a/b/people/bob", post("/", J("{'name':'bob'}"), WITH(.base = base)));
    assert_ok(patch("/", J("{'name':['ada','bob'],'level':3}"), WITH(.base = base)));
    assert_json("/a/b/people/bob/level", "3");
}

Test(ids, every_read_takes_a_location_from_a_base_on)
{
    uint64_t base = make("/a/b"), people;
    char buffer[8], *text;
    store_reader *reader;
    store_view view;
    store_stat stat;
    void *value;
    size_t size;

    assert_ok(define("/a/b/people", PEOPLE));
    people = id_of("/a/b/people");
    assert_created("/a/b/x", put("/a/b/x", "body", NULL));
    assert_ok(store_meta_set(NULL, test_store(), "/a/b/x", "k", "v", 1, NULL));
    assert_ok(post("/a/b/people", J("{'name':'ada','email':'a@x'}"), NULL));

    assert_ok(store_stat_get(&stat, test_store(), "/", GET(.base = base)));
    cr_assert_eq(stat.id, base);
    assert_ok(store_stat_get(&stat, test_store(), "/x", GET(.base = base)));
    cr_assert_eq(stat.size, 4);
    assert_ok(store_read(&size, test_store(), "/x", buffer, sizeof buffer, 1, GET(.base = base)));
    cr_assert_eq(size, 3);
    assert_ok(store_view_open(&view, test_store(), "/x", GET(.base = base)));
    store_view_close(&view);
    assert_ok(store_reader_open(&reader, test_store(), "/x", GET(.base = base)));
    store_reader_close(reader);
    assert_ok(store_meta_get(&value, &size, test_store(), "/x", "k", GET(.base = base)));
    store_free(value);
    assert_ok(store_get(&value, &size, NULL, test_store(), "/ada/email", GET(.base = people)));
    cr_assert_str_eq((char *)value, "\"a@x\"");
    store_free(value);
    assert_ok(store_definition_get(&text, &size, test_store(), "/", GET(.base = people)));
    store_free(text);
    assert_ok(store_locate(&text, test_store(), "/people", J("{'name':'bob'}"), strlen("{'name':'bob'}"),
                           GET(.base = base)));
    cr_assert_str_eq(text, "/a/b/people/bob");
    store_free(text);
    assert_ok(store_find(&text, test_store(), "/", &(store_field){ "email", "a@x" }, 1, GET(.base = people)));
    cr_assert_str_eq(text, "/a/b/people/ada");
    store_free(text);
    assert_names("people x", "/", LIST(.base = base));
}

Test(ids, a_base_is_found_wherever_its_collection_was_moved)
{
    uint64_t base = make("/a/b/c");

    assert_created("/a/b/c/x", put("/x", "1", WITH(.base = base)));
    assert_created("/d", relocate("/a/b", "/d", NULL));
    assert_created("/d/c/y", put("/y", "1", WITH(.base = base)));
    assert_created("/e", relocate("/d/c", "/e", NULL));
    assert_names("x y", "/", LIST(.base = base));
    reopen_store(NULL);
    assert_names("x y", "/", LIST(.base = base));
}

Test(ids, a_base_in_a_copy_is_another_than_that_of_its_original)
{
    uint64_t base = make("/a/b"), copy;

    assert_created("/c", duplicate("/a", "/c", NULL));
    copy = id_of("/c/b");
    cr_assert_neq(copy, base);
    assert_created("/c/b/x", put("/x", "1", WITH(.base = copy)));
    assert_created("/a/b/x", put("/x", "1", WITH(.base = base)));
}

Test(ids, a_base_that_is_gone_is_not_found)
{
    uint64_t base = make("/a/b");

    assert_refused(STORE_NOT_FOUND, put("/x", "1", WITH(.base = base + 1000)));
    assert_created("/x", put("/x", "1", NULL));
    assert_refused(STORE_NOT_FOUND, put("/x", "1", WITH(.base = id_of("/x"))));
    assert_ok(erase("/a", WITH(.flags = STORE_RECURSIVE)));
    assert_refused(STORE_NOT_FOUND, put("/x", "1", WITH(.base = base)));
    assert_refused(STORE_NOT_FOUND, put("/y/x", "1", WITH(.base = base, .flags = STORE_PARENTS)));
    assert_refused(STORE_NOT_FOUND, relocate("/x", "/y", WITH(.to_base = base)));
    assert_refused(STORE_NOT_FOUND, erase("/x", WITH(.base = base)));
    assert_code(STORE_NOT_FOUND, store_stat_get(&(store_stat){ 0 }, test_store(), "/", GET(.base = base)));
}

Test(ids, the_root_is_a_base_like_none)
{
    assert_created("/x", put("/x", "1", WITH(.base = id_of("/"))));
}

Test(ids, problems_name_the_whole_location)
{
    uint64_t base = make("/a/b");

    assert_refused(STORE_NO_COLLECTION, put("/c/x", "1", WITH(.base = base)));
    cr_assert_str_eq(refusal_text("location"), "/a/b/c/x");
    assert_refused(STORE_NOT_FOUND, erase("/x", WITH(.base = base)));
    cr_assert_str_eq(refusal_text("location"), "/a/b/x");
    assert_refused(STORE_BAD_LOCATION, put("x", "1", WITH(.base = base)));
}

Test(ids, the_whole_location_has_a_limit)
{
    char name[202], text[STORE_LOCATION_MAX + 1] = "";
    uint64_t base;

    memset(name, 'n', 201);
    name[0] = '/';
    name[201] = '\0';
    for (int i = 0; i < 20; i++)
        strcat(text, name);
    base = make(text);
    assert_refused(STORE_BAD_LOCATION, put(name, "1", WITH(.base = base)));
}

Test(ids, inside_a_transaction_a_new_collection_is_a_base)
{
    store_stat stat;
    store_txn *txn;

    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_make_collection(NULL, test_store(), "/a", WITH(.txn = txn)));
    assert_ok(store_stat_get(&stat, test_store(), "/a", GET(.txn = txn)));
    assert_ok(store_put(NULL, test_store(), "/x", "1", 1, WITH(.txn = txn, .base = stat.id)));
    assert_ok(store_move(NULL, test_store(), "/a", "/b", WITH(.txn = txn)));
    assert_ok(store_put(NULL, test_store(), "/y", "1", 1, WITH(.txn = txn, .base = stat.id)));
    assert_ok(store_commit(txn));
    assert_names("x y", "/b", NULL);
    assert_ok(store_begin(&txn, test_store(), false));
    assert_ok(store_move(NULL, test_store(), "/b", "/c", WITH(.txn = txn)));
    assert_ok(store_put(NULL, test_store(), "/z", "1", 1, WITH(.txn = txn, .base = stat.id)));
    store_abort(txn);
    assert_names("x y", "/", LIST(.base = stat.id));
}

/* ------------------------------------------------------------------ if_id */

Test(ids, if_id_wants_the_node_that_it_names)
{
    uint64_t id, other;
    store_stat stat;

    assert_created("/x", put("/x", "1", NULL));
    assert_created("/y", put("/y", "1", NULL));
    id = id_of("/x");
    other = id_of("/y");
    assert_updated("/x", put("/x", "2", WITH(.if_id = id)));
    assert_refused(STORE_PRECONDITION_FAILED, put("/x", "2", WITH(.if_id = other)));
    assert_refused(STORE_NOT_FOUND, put("/z", "2", WITH(.if_id = other)));
    assert_refused(STORE_NOT_FOUND, put("/z/z", "2", WITH(.if_id = other, .flags = STORE_PARENTS)));
    assert_refused(STORE_PRECONDITION_FAILED, erase("/x", WITH(.if_id = other)));
    assert_refused(STORE_PRECONDITION_FAILED, relocate("/x", "/z", WITH(.if_id = other)));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_set(fresh_answer(), test_store(), "/x", WITH(.if_id = other, .type = "text/plain")));
    assert_refused(STORE_PRECONDITION_FAILED,
                   store_patch_range(fresh_answer(), test_store(), "/x", 0, "1", 1, WITH(.if_id = other)));
    assert_ok(store_stat_get(&stat, test_store(), "/x", GET(.if_id = id)));
    assert_code(STORE_PRECONDITION_FAILED, store_stat_get(&stat, test_store(), "/x", GET(.if_id = other)));
    assert_code(STORE_NOT_FOUND, store_stat_get(&stat, test_store(), "/z", GET(.if_id = other)));
    assert_created("/z", relocate("/x", "/z", WITH(.if_id = id)));
    assert_deleted("/z", erase("/z", WITH(.if_id = id)));
}

Test(ids, if_id_holds_for_objects_of_typed_collections)
{
    uint64_t id;

    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", NULL));
    id = id_of("/people/ada");
    assert_updated("/people/ada", patch("/people/ada/age", "1", WITH(.if_id = id)));
    assert_refused(STORE_PRECONDITION_FAILED, patch("/people/ada/age", "2", WITH(.if_id = id + 1)));
    assert_refused(STORE_PRECONDITION_FAILED,
                   put("/people/ada", "{}", WITH(.if_id = id + 1, .flags = STORE_REPLACE)));
    assert_refused(STORE_PRECONDITION_FAILED, post("/people", J("{'name':'bob'}"), WITH(.if_id = id)));
}

/* ----------------------------------------------------------- reserved ids */

Test(ids, reserved_ids_are_given_out_once)
{
    uint64_t first = reserve(1000), second = reserve(1);

    cr_assert_geq(first, UINT64_C(1) << 52);
    cr_assert_geq(second, first + 1000);
    reopen_store(NULL);
    cr_assert_gt(reserve(1), second);
    assert_code(STORE_BAD_ARGUMENT, store_reserve_ids(&first, test_store(), 0));
}

Test(ids, a_node_is_created_with_a_reserved_id)
{
    uint64_t id = reserve(8);

    assert_created("/x", put("/x", "1", WITH(.id = id)));
    cr_assert_eq(id_of("/x"), id);
    cr_assert_lt(version_of("/x"), id);
    assert_created("/c", make_collection("/c", WITH(.id = id + 1)));
    cr_assert_eq(id_of("/c"), id + 1);
    assert_created("/c/y", put("/y", "1", WITH(.base = id + 1, .id = id + 2)));
    assert_created("/d", duplicate("/c", "/d", WITH(.id = id + 3)));
    cr_assert_eq(id_of("/d"), id + 3);
    cr_assert_neq(id_of("/d/y"), id + 2);
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", "{}", WITH(.id = id + 4)));
    cr_assert_eq(id_of("/people/ada"), id + 4);
    assert_created("/people/bob", patch("/people/bob", "{}", WITH(.id = id + 5, .flags = STORE_INSERT)));
    cr_assert_eq(id_of("/people/bob"), id + 5);
    assert_ok(store_put_link(fresh_answer(), test_store(), "/l", "x", WITH(.id = id + 6)));
    cr_assert_eq(id_of("/l"), id + 6);
}

Test(ids, only_a_reserved_id_can_be_given)
{
    uint64_t id = reserve(2);

    assert_refused(STORE_BAD_ARGUMENT, put("/x", "1", WITH(.id = id + 2)));
    assert_refused(STORE_BAD_ARGUMENT, put("/x", "1", WITH(.id = 77)));
    assert_created("/x", put("/x", "1", NULL));
    assert_refused(STORE_BAD_ARGUMENT, erase("/x", WITH(.id = id)));
    assert_refused(STORE_BAD_ARGUMENT, relocate("/x", "/y", WITH(.id = id)));
    assert_refused(STORE_BAD_ARGUMENT, put("/y", "1", WITH(.to_base = 1)));
    assert_ok(define("/people", PEOPLE));
    assert_refused(STORE_BAD_ARGUMENT, post("/people", J("[{'name':'a'},{'name':'b'}]"), WITH(.id = id)));
    assert_ok(make_collection("/c", WITH(.id = id)));
    assert_refused(STORE_BAD_ARGUMENT, make_collection("/d", WITH(.id = id)));
}

Test(ids, a_put_with_another_id_makes_another_node)
{
    uint64_t id = reserve(4), version;

    assert_created("/x", put("/x", "1", WITH(.type = "text/plain")));
    version = version_of("/x");
    assert_updated("/x", put("/x", "2", WITH(.id = id)));
    cr_assert_eq(id_of("/x"), id);
    cr_assert_gt(version_of("/x"), version);
    cr_assert_str_eq(stat_of("/x").type, "application/octet-stream", "nothing is left of the other");
    assert_updated("/x", put("/x", "3", WITH(.id = id)));
    assert_refused(STORE_KEY_CONFLICT, put("/x", "4", WITH(.id = id + 1, .flags = STORE_NOREPLACE)));
    assert_ok(define("/people", PEOPLE));
    assert_created("/people/ada", put("/people/ada", J("{'email':'a@x'}"), NULL));
    assert_updated("/people/ada", put("/people/ada", J("{'email':'b@x'}"), WITH(.id = id + 2, .flags = STORE_REPLACE)));
    cr_assert_eq(id_of("/people/ada"), id + 2);
    assert_created("/people/bob", put("/people/bob", J("{'email':'a@x'}"), NULL));
    assert_updated("/people/ada", patch("/people/ada", J("{'age':1}"), WITH(.id = id + 3)));
    cr_assert_eq(id_of("/people/ada"), id + 2, "a PATCH makes no other node of one that is there");
}

Test(ids, a_large_body_goes_with_the_node_that_is_replaced)
{
    size_t size = 300000;
    char *body = calloc(1, size);
    uint64_t id = reserve(1);

    assert_ok(store_put(NULL, test_store(), "/x", body, size, NULL));
    assert_ok(store_put(NULL, test_store(), "/x", body, size, WITH(.id = id)));
    cr_assert_eq(id_of("/x"), id);
    free(body);
}

/* ----------------------------------------------------------- location of */

static void assert_location_of(const char *location)
{
    char *found;

    assert_ok(store_location_of(&found, test_store(), id_of(location), NULL));
    cr_assert_str_eq(found, location);
    store_free(found);
}

Test(ids, a_node_is_found_by_its_id)
{
    char *found;
    uint64_t id = make("/a/b/c");

    assert_ok(define("/a/people", "{'key':['name','age'],'schema':{'type':'object','properties':{"
                                  "'name':{'type':'string'},'age':{'type':'integer'}}}}"));
    assert_created("/a/people/ada%7C|36", post("/a/people", J("{'name':'ada|','age':36}"), NULL));
    assert_created("/a/b/x", put("/a/b/x", "1", NULL));
    assert_location_of("/");
    assert_location_of("/a/b/c");
    assert_location_of("/a/b/x");
    assert_location_of("/a/people/ada%7C|36");
    assert_created("/d", relocate("/a/b", "/d", NULL));
    assert_location_of("/d/c");
    assert_location_of("/d/x");
    assert_deleted("/d", erase("/d", WITH(.flags = STORE_RECURSIVE)));
    assert_code(STORE_NOT_FOUND, store_location_of(&found, test_store(), id, NULL));
    cr_assert_null(found);
}
