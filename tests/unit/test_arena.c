/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void nothing_is_given_beyond_the_limit(void **state)
{
	struct arena *arena = arena_new(64 * 1024);

	(void)state;
	assert_non_null(arena);
	assert_null(arena_alloc(arena, 64 * 1024));
	assert_null(arena_alloc(arena, SIZE_MAX));
	assert_null(arena_array(arena, SIZE_MAX / 2, 3));
	assert_null(arena_copy(arena, "", SIZE_MAX));
	assert_non_null(arena_alloc(arena, 32 * 1024));
	assert_null(arena_alloc(arena, 32 * 1024));
	arena_reset(arena);
	assert_non_null(arena_alloc(arena, 32 * 1024));
	arena_free(arena);
}

/* The first block stays with the arena: what was in it can be looked at. */
static void a_wipe_leaves_nothing_of_what_was_there(void **state)
{
	static const char secret[] = "correct horse battery";
	static const char zeros[sizeof secret];
	struct arena *arena = arena_new(1 << 20);
	char *first, *second;

	(void)state;
	assert_non_null(arena);
	arena_wipe(arena); /* of an arena that is empty */
	first = arena_strdup(arena, secret);
	second = arena_printf(arena, "%s", secret);
	assert_non_null(arena_alloc(arena, 100 * 1024)); /* a block more */
	assert_non_null(first);
	assert_non_null(second);
	arena_wipe(arena);
	assert_memory_equal(first, zeros, sizeof zeros);
	assert_memory_equal(second, zeros, sizeof zeros);
	assert_ptr_equal(arena_strdup(arena, "next"), first);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(nothing_is_given_beyond_the_limit),
	        cmocka_unit_test(a_wipe_leaves_nothing_of_what_was_there),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
