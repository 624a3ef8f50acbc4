// SPDX-License-Identifier: GPL-2.0
/*
 * tcp serve PORT			serve those below, until killed
 * tcp to|from ADDRESS PORT MB [raw]	move so much, and say how fast
 * tcp many ADDRESS PORT COUNT		so many connections, eight at a time, each
 *					of which asks one thing
 *
 * What is moved is a stream of numbers of which each is known, and whoever
 * receives it looks at each; unless it is raw, for those who want to know how
 * fast a network is.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MB	(1 << 20)
#define CHUNK	(256 << 10)
#define PROCESSES	8

enum { TO, FROM, ASK };

struct request {
	uint32_t kind;
	uint32_t raw;
	uint64_t bytes;
};

static uint64_t buffer[CHUNK / 8];

static void fail(const char *what)
{
	fprintf(stderr, "tcp: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t number(uint64_t i)
{
	i = (i ^ i >> 30) * 0xbf58476d1ce4e5b9;
	return i ^ i >> 27;
}

static void put(int fd, const void *from, size_t bytes)
{
	ssize_t n;

	for (; bytes; from = (const char *)from + n, bytes -= n) {
		n = write(fd, from, bytes);
		if (n < 0)
			fail("write");
	}
}

static void get(int fd, void *to, size_t bytes)
{
	ssize_t n;

	for (; bytes; to = (char *)to + n, bytes -= n) {
		n = recv(fd, to, bytes, MSG_WAITALL);
		if (n < 0)
			fail("recv");
		if (!n) {
			errno = EPIPE;
			fail("the other side left");
		}
	}
}

static void send_stream(int fd, const struct request *r)
{
	uint64_t at, i, good;

	for (at = 0; at < r->bytes; at += CHUNK) {
		for (i = 0; !r->raw && i < CHUNK / 8; i++)
			buffer[i] = number(at / 8 + i + 1);
		put(fd, buffer, CHUNK);
	}
	get(fd, &good, sizeof(good));
	if (good != r->bytes) {
		errno = EILSEQ;
		fail("what arrived is not what was sent");
	}
}

static void receive_stream(int fd, const struct request *r)
{
	uint64_t at, i, good = 0;

	for (at = 0; at < r->bytes; at += CHUNK) {
		get(fd, buffer, CHUNK);
		for (i = 0; !r->raw && i < CHUNK / 8; i++)
			good += 8 * (buffer[i] == number(at / 8 + i + 1));
		if (r->raw)
			good += CHUNK;
	}
	put(fd, &good, sizeof(good));
	if (good != r->bytes) {
		errno = EILSEQ;
		fail("what arrived is not what was sent");
	}
}

static void answer(int fd)
{
	struct request r;

	get(fd, &r, sizeof(r));
	if (r.kind == ASK) {
		r.bytes = number(r.bytes);
		put(fd, &r, sizeof(r));
	} else if (r.kind == TO) {
		receive_stream(fd, &r);
	} else {
		send_stream(fd, &r);
	}
	/* Let the client be the one who waits in TIME_WAIT. */
	while (read(fd, &r, sizeof(r)) > 0)
		;
}

static void work(int fd)
{
	int client;

	for (;;) {
		client = accept(fd, NULL, NULL);
		if (client < 0)
			fail("accept");
		answer(client);
		close(client);
	}
}

/* A few processes, so that nobody waits behind a stream; who fails, returns. */
static void serve(const struct sockaddr_in *here)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1, i;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (struct sockaddr *)here, sizeof(*here)) ||
	    listen(fd, 128))
		fail("listen");
	for (i = 0;; i++) {
		if (i >= PROCESSES)
			wait(NULL);
		if (!fork())
			work(fd);
	}
}

static int connect_to(const struct sockaddr_in *there)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)there, sizeof(*there)))
		fail("connect");
	return fd;
}

static void move(const struct sockaddr_in *there, struct request r)
{
	int fd = connect_to(there);
	struct timespec start, end;
	double seconds;

	clock_gettime(CLOCK_MONOTONIC, &start);
	put(fd, &r, sizeof(r));
	if (r.kind == TO)
		send_stream(fd, &r);
	else
		receive_stream(fd, &r);
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = end.tv_sec - start.tv_sec +
		  (end.tv_nsec - start.tv_nsec) / 1e9;
	printf("moved %lu MB, %.1f MB/s\n", r.bytes / MB,
	       r.bytes / MB / seconds);
}

static void ask(const struct sockaddr_in *there, uint64_t first, uint64_t count)
{
	struct request r = { .kind = ASK };
	uint64_t i;
	int fd;

	for (i = first; i < first + count; i++) {
		fd = connect_to(there);
		r.bytes = i;
		put(fd, &r, sizeof(r));
		get(fd, &r, sizeof(r));
		if (r.bytes != number(i)) {
			errno = EILSEQ;
			fail("a wrong answer");
		}
		close(fd);
	}
}

static void ask_together(const struct sockaddr_in *there, uint64_t count)
{
	int i, status, failed = 0;

	for (i = 0; i < PROCESSES; i++)
		if (!fork()) {
			ask(there, 1 + i * count, count / PROCESSES);
			exit(0);
		}
	while (wait(&status) > 0)
		failed += status != 0;
	if (failed)
		fail("a connection");
	printf("%lu answers\n", count / PROCESSES * PROCESSES);
}

int main(int argc, char *argv[])
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct request r = { };

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3) {
		address.sin_port = htons(atoi(argv[2]));
		serve(&address);
	}
	if (argc < 5 || inet_pton(AF_INET, argv[2], &address.sin_addr) != 1)
		return 2;
	address.sin_port = htons(atoi(argv[3]));
	r.kind = !strcmp(argv[1], "to") ? TO : FROM;
	r.bytes = strtoull(argv[4], NULL, 10) * MB;
	r.raw = argc > 5;
	if (!strcmp(argv[1], "many"))
		ask_together(&address, r.bytes / MB);
	else
		move(&address, r);
	return 0;
}
