/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound_fcgi.c: the bound for page rows: a bare libfcgi program that answers the same number of
 * bytes from memory, through the same nginx. Usage: bound_fcgi SOCKET THREADS BYTES
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int listener;
static char *page;
static size_t page_bytes;

static void *serve(void *unused)
{
	FCGX_Request request;

	(void)unused;
	if (FCGX_InitRequest(&request, listener, 0) != 0)
		return NULL;
	while (FCGX_Accept_r(&request) == 0) {
		FCGX_FPrintF(request.out,
		        "Content-Type: text/html; charset=utf-8\r\nContent-Length: %ld\r\n\r\n",
		        (long)page_bytes);
		(void)FCGX_PutStr(page, (int)page_bytes, request.out);
		FCGX_Finish_r(&request);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	long threads;

	if (argc != 4) {
		fprintf(stderr, "usage: %s SOCKET THREADS BYTES\n", argv[0]);
		return 64;
	}
	threads = strtol(argv[2], NULL, 10);
	page_bytes = strtoul(argv[3], NULL, 10);
	page = malloc(page_bytes + 1);
	if (page == NULL || threads < 1 || threads > 256)
		return 64;
	memset(page, 'x', page_bytes);
	page[page_bytes] = '\0';
	if (FCGX_Init() != 0 || (listener = FCGX_OpenSocket(argv[1], 512)) < 0)
		return 71;
	if (chmod(argv[1], 0666) != 0)
		return 71;
	for (long i = 1; i < threads; i++) {
		pthread_t thread;
		if (pthread_create(&thread, NULL, serve, NULL) != 0)
			return 71;
	}
	serve(NULL);
	return 0;
}
