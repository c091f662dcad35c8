/* Counts of an import or export. */
#include "tally.h"

#include "print.h"

uint64_t tally_objects(const struct tally *tally)
{
    return tally->created + tally->updated + tally->unchanged + tally->refused + tally->skipped;
}

void tally_add(struct tally *to, const struct tally *from)
{
    to->created += from->created;
    to->updated += from->updated;
    to->unchanged += from->unchanged;
    to->refused += from->refused;
    to->skipped += from->skipped;
    to->bytes += from->bytes;
}

int tally_print(const struct cli *cli, const struct tally *tally, const char *did, const char *location)
{
    int status = tally->refused ? STATUS_NO : STATUS_DONE;

    if (cli->json) {
        json_t *sum = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "location", location, "created",
                                (json_int_t)tally->created, "updated", (json_int_t)tally->updated, "unchanged",
                                (json_int_t)tally->unchanged, "refused", (json_int_t)tally->refused, "skipped",
                                (json_int_t)tally->skipped, "bytes", (json_int_t)tally->bytes);
        int printed = print_json(cli, stdout, sum);
        return printed == STATUS_DONE ? status : printed;
    }
    printf("%s ", did);
    print_text(stdout, location);
    printf(": %llu created, %llu updated, %llu unchanged", (unsigned long long)tally->created,
           (unsigned long long)tally->updated, (unsigned long long)tally->unchanged);
    if (tally->refused)
        printf(", %llu refused", (unsigned long long)tally->refused);
    if (tally->skipped)
        printf(", %llu skipped", (unsigned long long)tally->skipped);
    putchar('\n');
    return status;
}
