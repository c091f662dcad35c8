/* test_seeds.c - the examples of the documents that inspired the contract, as they stand there. */
#include "api_test.h"

#include <stdio.h>

TestSuite(seeds, .init = begin_api_test, .fini = end_api_test);

/* ------------------------------------------- Beeswax Buzz: PUT-ting objects */

#define ADVERTISERS                                                                             \
    "{'key':['advertiser_id'],'put':'merge','schema':{'properties':{'advertiser_id':{'type':'integer'}," \
    "'advertiser_name':{'type':'string'},'default_click_url':{'type':'string'}}}}"
#define BUZZ_USERS                                                                              \
    "{'key':['user_id'],'put':'merge','schema':{'properties':{'user_id':{'type':'integer'},"   \
    "'email':{'type':'string'},'name':{'type':'string'}}}}"

static void advertisers(void)
{
    assert_ok(define("/advertiser", ADVERTISERS));
    assert_ok(post("/advertiser", J("[{'advertiser_id':1,'advertiser_name':'one'},{'advertiser_id':2,"
                                    "'advertiser_name':'two'},{'advertiser_id':3,'advertiser_name':'three'}]"),
                                    NULL));
}

Test(seeds, buzz_wants_the_advertiser_id, .description = "B1")
{
    advertisers();
    assert_refused(STORE_KEY_REQUIRED, put("/advertiser", J("{'advertiser_name':'new name'}"), NULL));
}

Test(seeds, buzz_updates_one_advertiser_with_a_new_name, .description = "B1 B2")
{
    advertisers();
    assert_updated("/advertiser/1", put("/advertiser", J("{'advertiser_id':1, 'advertiser_name':'new name'}"),
                                        NULL));
    assert_json("/advertiser/1", "{'advertiser_id':1,'advertiser_name':'new name','default_click_url':''}");
    assert_json("/advertiser/2/advertiser_name", "'two'");
}

Test(seeds, buzz_updates_advertisers_1_2_and_3, .description = "B3")
{
    advertisers();
    assert_ok(put("/advertiser", J("{'advertiser_id':[1,2,3], 'default_click_url':'http://www.foo.com'}"), NULL));
    cr_assert_eq(answered.count, 3);
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(answered.many[i].outcome, STORE_UPDATED);
    assert_json("/advertiser/1", "{'advertiser_id':1,'advertiser_name':'one',"
                                 "'default_click_url':'http://www.foo.com'}");
    assert_json("/advertiser/3/advertiser_name", "'three'");
}

Test(seeds, buzz_takes_the_id_in_the_path_or_in_the_body, .description = "B1")
{
    assert_ok(define("/user", BUZZ_USERS));
    assert_ok(post("/user", J("[{'user_id':1,'name':'a'},{'user_id':2,'name':'b'}]"), NULL));
    assert_updated("/user/1", put("/user/1", J("{'email':'new@email.com'}"), NULL));
    assert_updated("/user/2", put("/user", J("{'user_id':2, 'email':'new@email.com'}"), NULL));
    assert_json("/user/1", "{'user_id':1,'email':'new@email.com','name':'a'}");
    assert_json("/user/2", "{'user_id':2,'email':'new@email.com','name':'b'}");
}

Test(seeds, buzz_never_creates_with_put, .description = "B1")
{
    assert_ok(define("/user", BUZZ_USERS));
    assert_refused(STORE_NOT_FOUND, put("/user", J("{'user_id':1, 'email':'new@email.com'}"), NULL));
    assert_refused(STORE_NOT_FOUND, put("/user/1", J("{'email':'new@email.com'}"), NULL));
    assert_refused(STORE_NOT_FOUND, put("/user", J("{'user_id':[1,2,3], 'email':'new@email.com'}"), NULL));
}

/* The table "Multiple Object Updates", and strict mode: any error is fatal, nothing is updated. */
Test(seeds, buzz_multiple_updates_all_partial_none_and_strict, .description = "B4 B5")
{
    advertisers();
    assert_ok(put("/advertiser", J("{'advertiser_id':[1,2],'advertiser_name':'x'}"),
                  WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.failed, 0);
    assert_ok(put("/advertiser", J("{'advertiser_id':[1,8],'advertiser_name':'y'}"),
                  WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.failed, 1);
    assert_json("/advertiser/1/advertiser_name", "'y'");
    assert_unchanged(put("/advertiser", J("{'advertiser_id':[7,8],'advertiser_name':'z'}"),
                         WITH(.flags = STORE_PARTIAL)));
    cr_assert_eq(answered.failed, answered.count);
    assert_refused(STORE_NOT_FOUND, put("/advertiser", J("{'advertiser_id':[1,8],'advertiser_name':'z'}"), NULL));
    assert_refused(STORE_INVALID_VALUE, put("/advertiser", J("{'advertiser_id':[1,2],'huh':'z'}"), NULL));
}

/* --------------------------------------------------------- ODABA: DB_PUT ... */

#define PERSONS                                                                                 \
    "{'key':['pid'],'schema':{'properties':{'pid':{'type':'string'},'name':{'type':'string'}," \
    "'first_name':{'type':'array','items':{'type':'string'},'maxItems':3},'income':{'type':'integer'}," \
    "'married':{'type':'boolean'},'notes':{'type':['string','null'],'default':null}}}}"

static void persons(void)
{
    assert_ok(define("/Person", PERSONS));
    assert_created("/Person/P1", put("/Person/P1", J("{'name':'Miller','first_name':['Paul','M','X'],'income':100,"
                                                     "'married':true,'notes':''}"), NULL));
}

/* Each verb of the object database with each parameter, existing and missing. */
static const struct {
    const char *verb;
    const char *location;
    unsigned flags;
    int code;
    store_outcome outcome;
    const char *income, *name; /* of the object afterwards; NULL: there is none */
} odaba[] = {
    /* PUT */
    { "PUT", "/Person/P1", 0, STORE_KEY_CONFLICT, 0, "100", "'Miller'" },
    { "PUT", "/Person/P1", STORE_REPLACE, STORE_OK, STORE_UPDATED, "5", "''" },
    { "PUT", "/Person/P2", 0, STORE_OK, STORE_CREATED, "5", "''" },
    { "PUT", "/Person/P2", STORE_REPLACE, STORE_OK, STORE_CREATED, "5", "''" },
    { "PUT", "/Person", 0, STORE_KEY_REQUIRED, 0, NULL, NULL },
    { "PUT", "/Person/P1/income", STORE_REPLACE, STORE_PROPERTY_TARGET, 0, NULL, NULL },
    /* PATCH */
    { "PATCH", "/Person/P1", 0, STORE_OK, STORE_UPDATED, "5", "'Miller'" },
    { "PATCH", "/Person/P1", STORE_INSERT, STORE_OK, STORE_UPDATED, "5", "'Miller'" },
    { "PATCH", "/Person/P2", 0, STORE_NOT_FOUND, 0, NULL, NULL },
    { "PATCH", "/Person/P2", STORE_INSERT, STORE_OK, STORE_CREATED, "5", "''" },
    /* POST: the key is in the body */
    { "POST", "/Person/P1", 0, STORE_OK, STORE_UPDATED, "5", "'Miller'" },
    { "POST", "/Person/P1", STORE_NOREPLACE, STORE_KEY_CONFLICT, 0, "100", "'Miller'" },
    { "POST", "/Person/P1", STORE_NOINSERT, STORE_OK, STORE_UPDATED, "5", "'Miller'" },
    { "POST", "/Person/P2", 0, STORE_OK, STORE_CREATED, "5", "''" },
    { "POST", "/Person/P2", STORE_NOREPLACE, STORE_OK, STORE_CREATED, "5", "''" },
    { "POST", "/Person/P2", STORE_NOINSERT, STORE_NOT_FOUND, 0, NULL, NULL },
    /* DELETE */
    { "DELETE", "/Person/P1", 0, STORE_OK, STORE_DELETED, NULL, NULL },
    { "DELETE", "/Person/P2", 0, STORE_NOT_FOUND, 0, NULL, NULL },
};

static int odaba_call(size_t i)
{
    const store_request *request = WITH(.flags = odaba[i].flags);

    if (strcmp(odaba[i].verb, "PUT") == 0)
        return put(odaba[i].location, J("{'income':5}"), request);
    if (strcmp(odaba[i].verb, "PATCH") == 0)
        return patch(odaba[i].location, J("{'income':5}"), request);
    if (strcmp(odaba[i].verb, "POST") == 0)
        return post("/Person", strstr(odaba[i].location, "P1") ? J("{'pid':'P1','income':5}")
                                                               : J("{'pid':'P2','income':5}"), request);
    return erase(odaba[i].location, request);
}

Test(seeds, odaba_verbs_with_each_parameter_existing_and_missing, .description = "O28 O30-O33 O36 O40 O41 O43")
{
    char member[64];

    for (size_t i = 0; i < sizeof odaba / sizeof *odaba; i++) {
        if (i > 0)
            assert_ok(erase("/Person", WITH(.flags = STORE_RECURSIVE)));
        persons();
        if (odaba[i].code != STORE_OK) {
            assert_refused(odaba[i].code, odaba_call(i));
        } else {
            assert_ok(odaba_call(i));
            cr_assert_eq(answered.one.outcome, odaba[i].outcome, "%s %s", odaba[i].verb, odaba[i].location);
            cr_assert_str_eq(answered.one.location, odaba[i].location);
        }
        if (!odaba[i].income)
            continue;
        snprintf(member, sizeof member, "%s/income", odaba[i].location);
        assert_json(member, odaba[i].income);
        snprintf(member, sizeof member, "%s/name", odaba[i].location);
        assert_json(member, odaba[i].name);
    }
}

Test(seeds, odaba_put_inserts_before_it_looks_at_values_and_changes_nothing_either_way, .description = "O29 O35")
{
    int rc;

    persons();
    rc = put("/Person/P1", J("{'income':'x'}"), NULL);
    cr_assert(rc == STORE_KEY_CONFLICT || rc == STORE_INVALID_VALUE);
    assert_refused(rc, put("/Person/P1", J("{'income':'x'}"), NULL));
}

Test(seeds, odaba_null_is_no_data_and_differs_from_the_empty_string, .description = "O14")
{
    persons();
    assert_json("/Person/P1/notes", "''");
    assert_updated("/Person/P1", patch("/Person/P1", J("{'notes':null}"), NULL));
    assert_json("/Person/P1/notes", "null");
    assert_updated("/Person/P1", patch("/Person/P1/notes", J("''"), NULL));
    assert_json("/Person/P1/notes", "''");
}

Test(seeds, odaba_fewer_values_than_elements_leave_the_rest_and_too_many_are_an_error, .description = "O22")
{
    persons();
    assert_updated("/Person/P1", patch("/Person/P1/first_name", J("['Peter']"), NULL));
    assert_json("/Person/P1/first_name", "['Peter','M','X']");
    assert_refused(STORE_INVALID_VALUE, patch("/Person/P1/first_name", J("['1','2','3','4']"), NULL));
    assert_refused(STORE_BAD_BODY, patch("/Person/P1/first_name", J("[ , ,'Paul']"), NULL));
    assert_updated("/Person/P1", patch("/Person/P1/first_name/2", J("'Paul'"), NULL));
    assert_json("/Person/P1/first_name", "['Peter','M','Paul']");
}

Test(seeds, odaba_a_collection_ordered_by_autoident_appends_objects_and_arrays, .description = "O17 O33 O34")
{
    assert_ok(define("/Log", "{'order':'auto','key':['__AUTOIDENT'],'schema':{'properties':{"
                             "'__AUTOIDENT':{'type':'integer'},'text':{'type':'string'}}}}"));
    assert_created("/Log/1", put("/Log", J("{'text':'a'}"), NULL));
    assert_ok(put("/Log", J("[{'__AUTOIDENT':0,'text':'b'},{'text':'c'}]"), NULL));
    assert_names("1 2 3", "/Log", NULL);
}

/* ----------------------------------------------------------- ReqBin and dojo */

static const char reqbin[] = "{\n  \"Id\": 12345,\n  \"Customer\": \"John Smith\",\n  \"Quantity\": 1,\n"
                             "  \"Price\": 10.00\n}";

Test(seeds, reqbin_80_bytes_of_json_are_kept_byte_for_byte, .description = "ReqBin H3 H4")
{
    cr_assert_eq(sizeof reqbin - 1, 80);
    assert_created("/echo/put/json", put("/echo/put/json", reqbin, WITH(.flags = STORE_PARENTS,
                                                                        .type = "application/json")));
    assert_body("/echo/put/json", reqbin);
    cr_assert_eq(stat_of("/echo/put/json").size, 80);
    cr_assert_str_eq(stat_of("/echo/put/json").type, "application/json");
}

Test(seeds, reqbin_json_is_kept_byte_for_byte_in_a_typed_collection, .description = "ReqBin H4")
{
    assert_ok(define("/orders", "{'key':['Id'],'put':'replace','schema':{'properties':{'Id':{'type':'integer'},"
                                "'Customer':{'type':'string'},'Quantity':{'type':'integer'},"
                                "'Price':{'type':'number'}}}}"));
    assert_created("/orders/12345", put("/orders/12345", reqbin, WITH(.type = "application/json")));
    cr_assert_not(answered.one.completed);
    assert_body("/orders/12345", reqbin);
    assert_body("/orders/12345/Price", "10.00");
    assert_updated("/orders/12345", put("/orders/12345", reqbin, NULL));
    assert_body("/orders/12345", reqbin);
    assert_updated("/orders/12345", patch("/orders/12345", J("{'Quantity':2}"), NULL));
    assert_body("/orders/12345/Price", "10.00");
}

Test(seeds, reqbin_put_is_idempotent_and_post_is_not, .description = "H8")
{
    assert_ok(make_collection("/box", NULL));
    assert_created("/box/a", put("/box/a", reqbin, NULL));
    assert_updated("/box/a", put("/box/a", reqbin, NULL));
    assert_names("a", "/box", NULL);
    assert_ok(post("/box", reqbin, NULL));
    assert_ok(post("/box", reqbin, NULL));
    cr_assert_str_neq(answered.one.location, "/box/a");
}

Test(seeds, dojo_puts_some_random_text, .description = "D1 D2 D4")
{
    assert_created("/putIt", put("/putIt", "Some random text", WITH(.type = "application/x-www-form-urlencoded")));
    assert_body("/putIt", "Some random text");
    assert_updated("/putIt", put("/putIt", "", NULL));
    assert_body("/putIt", "");
    assert_ok(define("/typed", PERSONS));
    assert_refused(STORE_BAD_BODY, put("/typed/putIt", "", NULL));
}
