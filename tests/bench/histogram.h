/* SPDX-License-Identifier: Apache-2.0 */
/*
 * histogram.h: latencies in microseconds, kept in buckets of about 3 % width, so that a run of any
 * length needs the same memory. One writer each; merge at the end.
 */
#ifndef FLEETPORT_TESTS_BENCH_HISTOGRAM_H
#define FLEETPORT_TESTS_BENCH_HISTOGRAM_H

#include <stdint.h>
#include <time.h>

enum { HISTOGRAM_SUB = 32, HISTOGRAM_BUCKETS = 40 * HISTOGRAM_SUB };

struct histogram {
	uint64_t count[HISTOGRAM_BUCKETS];
	uint64_t total;
};

static inline int64_t bench_now_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static inline unsigned histogram_bucket(uint64_t us)
{
	unsigned shift = 0;

	if (us < HISTOGRAM_SUB)
		return (unsigned)us;
	while (us >> shift >= 2 * HISTOGRAM_SUB)
		shift++;
	unsigned bucket = (shift + 1) * HISTOGRAM_SUB + (unsigned)(us >> shift) - HISTOGRAM_SUB;
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

static inline void histogram_add(struct histogram *h, int64_t us)
{
	h->count[histogram_bucket(us < 0 ? 0 : (uint64_t)us)]++;
	h->total++;
}

static inline void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->count[i] += from->count[i];
	into->total += from->total;
}

/* The value below which a share (0 … 1) of all lies, in microseconds: the bucket's lower edge. */
static inline int64_t histogram_at(const struct histogram *h, double share)
{
	uint64_t want = (uint64_t)((double)h->total * share), seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->count[i];
		if (seen > want) {
			unsigned shift = i / HISTOGRAM_SUB;
			if (shift == 0)
				return i;
			return (int64_t)((uint64_t)(HISTOGRAM_SUB + i % HISTOGRAM_SUB)
			                 << (shift - 1));
		}
	}
	return 0;
}

#endif
