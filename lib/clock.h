/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h: time as an input.
 *
 * Whoever needs the time is handed a clock; tests hand over one that they move themselves. Wall
 * time is milliseconds since 1970-01-01T00:00Z; monotonic time is milliseconds since some fixed
 * moment and never goes back.
 */
#ifndef FLEETPORT_LIB_CLOCK_H
#define FLEETPORT_LIB_CLOCK_H

#include <stdatomic.h>
#include <stdint.h>

struct clock {
	int64_t (*wall_ms)(const struct clock *self);
	int64_t (*monotonic_ms)(const struct clock *self);
};

/* The machine's clock; shared by all threads, never freed. */
const struct clock *clock_real(void);

static inline int64_t clock_wall_ms(const struct clock *c)
{
	return c->wall_ms(c);
}

static inline int64_t clock_monotonic_ms(const struct clock *c)
{
	return c->monotonic_ms(c);
}

/* A clock that stands still until it is moved. Hand &fake.base to the code under test. */
struct clock_fake {
	struct clock base;
	_Atomic int64_t wall;
	_Atomic int64_t monotonic;
};

void clock_fake_init(struct clock_fake *fake, int64_t wall_ms);

/* Moves both times forward by ms (>= 0). */
void clock_fake_advance(struct clock_fake *fake, int64_t ms);

/* Sets wall time alone, as a person or NTP would: forward or back. */
void clock_fake_set_wall(struct clock_fake *fake, int64_t wall_ms);

#endif
