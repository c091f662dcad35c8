/*
 * checksum.h - the checksums of records and chunks: XXH3-64, seed 0, no secret. PURE.
 *
 * Reading a body is bound by memory, so copying and summing are one pass, and the
 * pass asks for the next page while it works on this one.
 */
#ifndef STORE_CHECKSUM_H
#define STORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_of(const void *data, size_t size);
/* The checksum of exactly those bytes that it copies; they must not overlap. */
uint64_t checksum_copy(void *to, const void *from, size_t size);

#endif
