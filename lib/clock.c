/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/clock.h"

#include <time.h>

static int64_t read_ms(clockid_t id)
{
	struct timespec now;

	/* Cannot fail for these two clocks on Linux (clock_gettime(2)). */
	(void)clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t real_wall(const struct clock *self)
{
	(void)self;
	return read_ms(CLOCK_REALTIME);
}

static int64_t real_monotonic(const struct clock *self)
{
	(void)self;
	return read_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_real(void)
{
	static const struct clock real = {.wall_ms = real_wall, .monotonic_ms = real_monotonic};

	return &real;
}

static int64_t fake_wall(const struct clock *self)
{
	return atomic_load(&((const struct clock_fake *)(const void *)self)->wall);
}

static int64_t fake_monotonic(const struct clock *self)
{
	return atomic_load(&((const struct clock_fake *)(const void *)self)->monotonic);
}

void clock_fake_init(struct clock_fake *fake, int64_t wall_ms)
{
	fake->base = (struct clock){.wall_ms = fake_wall, .monotonic_ms = fake_monotonic};
	atomic_init(&fake->wall, wall_ms);
	atomic_init(&fake->monotonic, 0);
}

void clock_fake_advance(struct clock_fake *fake, int64_t ms)
{
	atomic_fetch_add(&fake->wall, ms);
	atomic_fetch_add(&fake->monotonic, ms);
}

void clock_fake_set_wall(struct clock_fake *fake, int64_t wall_ms)
{
	atomic_store(&fake->wall, wall_ms);
}
