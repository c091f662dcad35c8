/* The progress line. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "print.h"

#define BAR_WIDTH 24

static int64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

void progress_begin(struct progress *out, const char *what, uint64_t total)
{
    *out = (struct progress){.what = what, .total = total, .shown = isatty(STDERR_FILENO) == 1, .began = now()};
}

static void draw(struct progress *progress, int64_t time)
{
    static const char full[] = "########################";
    char done[SIZE_TEXT_SIZE], rate[SIZE_TEXT_SIZE];
    double seconds = (double)(time - progress->began) / 1e9;

    size_text(done, progress->bytes);
    size_text(rate, seconds > 0 ? (uint64_t)((double)progress->bytes / seconds) : 0);
    fprintf(stderr, "\r%s", progress->what);
    if (progress->objects)
        fprintf(stderr, "  %llu objects", (unsigned long long)progress->objects);
    fprintf(stderr, "  %s  %s/s", done, rate);
    if (progress->total) {
        double part = (double)progress->bytes / (double)progress->total;
        part = part < 1 ? part : 1;
        int filled = (int)(part * BAR_WIDTH);
        fprintf(stderr, "  [%.*s%*s] %3d %%", filled, full, BAR_WIDTH - filled, "", (int)(part * 100));
    }
    fputs("\033[K", stderr);
    fflush(stderr);
    progress->drawn = true;
}

void progress_set(struct progress *progress, uint64_t objects, uint64_t bytes)
{
    const int64_t pause = 100000000;

    progress->objects = objects;
    progress->bytes = bytes;
    if (!progress->shown)
        return;
    int64_t time = now();
    if (time - progress->last < pause)
        return;
    progress->last = time;
    draw(progress, time);
}

void progress_hide(struct progress *progress)
{
    if (!progress->drawn)
        return;
    fputs("\r\033[K", stderr);
    progress->drawn = false;
}
