// SPDX-License-Identifier: GPL-2.0
/*
 * Whose memory is a Guest's, and until when? Tiny Guests that touch all of
 * theirs, and Launchers that exec, exit, are killed, and pass on what they have.
 * Prints TAP. An argument says what goes before the names of its lines.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <asm/ldt.h>
#include <pthread.h>
#include "lguest.h"
#include "lguest_launcher.h"

#define MEMORY	0x400000
#define PAGES	(MEMORY / 4096)
#define PML4	0x1000
#define PDPT	0x2000
#define PD	0x3000
#define KEY	0x11000
#define CODE	0x20000

#define STRING_(x) #x
#define STRING(x) STRING_(x)
#define CALL(nr) "mov $" STRING(nr) ", %eax\n syscall\n"
#define OFF	"xor %edi, %edi\n xor %esi, %esi\n" CALL(LHCALL_SHUTDOWN)
#define TOUCH	"mov $" STRING(MEMORY) " - 4096, %ebx\n" \
		"1: lock orb $0, (%rbx)\n sub $4096, %ebx\n jns 1b\n"

extern const char touch[], spin[], ring[], code_end[];
asm(".pushsection .rodata\n"
    "touch:" TOUCH OFF ".org touch + 256\n"
    "spin:" TOUCH "jmp .\n .org spin + 256\n"
    /* Rings until nobody is there any more: -ENOTCONN. */
    "ring: mov $" STRING(KEY) ", %edi\n xor %esi, %esi\n"
    CALL(LHCALL_SEND_DMA) "cmp $-107, %rax\n jne ring\n" OFF
    ".org ring + 256\n code_end:\n.popsection\n");

static const char *prefix = "";

static void is(const char *what, long got, long wanted)
{
	printf("%sok - %s%s", got == wanted ? "" : "not ", prefix, what);
	if (got != wanted)
		printf(": %ld, not %ld", got, wanted);
	putchar('\n');
	fflush(stdout);
}

static long number_in(const char *file)
{
	FILE *from = fopen(file, "r");
	long n = -1;

	if (!from || fscanf(from, "%ld", &n) != 1)
		n = -1;
	if (from)
		fclose(from);
	return n;
}

static long pinned(void)
{
	return number_in("/sys/module/lg/parameters/pinned");
}

static long guests(void)
{
	return number_in("/sys/module/lg/parameters/guests");
}

/* kB: what counts as locked, and what as page tables. */
static long status_of(const char *format)
{
	FILE *from = fopen("/proc/self/status", "r");
	char line[256];
	long n = -1;

	while (from && fgets(line, sizeof(line), from))
		if (sscanf(line, format, &n) == 1)
			break;
	fclose(from);
	return n;
}

static long locked(void)
{
	return status_of("VmLck: %ld");
}

static void build(char *memory, const char *code)
{
	__u64 *pml4 = (void *)(memory + PML4), *pdpt = (void *)(memory + PDPT);
	__u64 *pd = (void *)(memory + PD);

	pml4[0] = PDPT | 7;
	pdpt[0] = PD | 7;
	pd[0] = 0x83;
	pd[1] = 0x200083;
	memcpy(memory + CODE, code, 256);
}

static char *new_memory(int flags, int fd)
{
	char *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (memory == MAP_FAILED) {
		perror("memory");
		exit(2);
	}
	return memory;
}

static int open_guest(void)
{
	int fd = open("/dev/lguest", O_RDWR);

	if (fd < 0) {
		perror("/dev/lguest");
		exit(2);
	}
	return fd;
}

/* Returns 0 or an error. */
static int initialise(int fd, char *memory, const char *code)
{
	struct lguest_initialize args = {
		.request = LHREQ_INITIALIZE, .abi = LGUEST_ABI,
		.memory = (unsigned long)memory, .bytes = MEMORY,
		.cr3 = PML4, .entry = CODE,
	};

	build(memory, code);
	return write(fd, &args, sizeof(args)) == sizeof(args) ? 0 : errno;
}

static int run(int fd, struct lguest_event *event)
{
	while (read(fd, event, sizeof(*event)) != sizeof(*event))
		if (errno != EINTR)
			return errno;
	return 0;
}

/* A Guest that touches all its memory, here and now. */
static int touch_all(int fd)
{
	char *memory = new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct lguest_event event;
	int err = initialise(fd, memory, touch);

	if (!err)
		err = run(fd, &event);
	return err ? err : event.kind == LGUEST_EVENT_SHUTDOWN ? 0 : -1;
}

static int ask(int fd, __u64 request)
{
	__u64 args[4] = { request, request == LHREQ_IRQ ? 3 : KEY, 0, 1 };

	return write(fd, args, sizeof(args)) < 0 ? errno : 0;
}

static void nobody_answers(int fd)
{
	struct lguest_event event;

	is("no Guest is left", guests(), 0);
	is("no page is pinned", pinned(), 0);
	is("a read", run(fd, &event), EPERM);
	is("an interrupt", ask(fd, LHREQ_IRQ), EPERM);
	is("a place for data", ask(fd, LHREQ_GET_DMA), EPERM);
	is("a binding", ask(fd, LHREQ_BIND_DMA), EPERM);
	is("another Guest in this file", touch_all(fd), EBUSY);
}

/* The child makes the Guest in its parent's file, and goes. */
static void passed_on(int by_signal)
{
	char *memory;
	int fd = open_guest();
	pid_t child = fork();

	if (!child && !by_signal)
		_exit(touch_all(fd));
	if (!child) {
		struct lguest_event event;

		memory = new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
		if (!initialise(fd, memory, spin))
			run(fd, &event);
		_exit(2);
	}
	while (by_signal && pinned() < PAGES && !waitpid(child, NULL, WNOHANG))
		usleep(10000);
	if (by_signal) {
		is("it runs, and has all its pages", pinned(), PAGES);
		is("an interrupt from another process", ask(fd, LHREQ_IRQ),
		   EPERM);
		kill(child, by_signal);
	}
	waitpid(child, NULL, 0);
	nobody_answers(fd);
	close(fd);
}

/* A Guest's own child: has its memory, too, but another copy of it. */
static void forked(void)
{
	struct lguest_event event;
	int fd = open_guest(), pipes[2];
	char word = 0;

	if (pipe(pipes))
		exit(2);
	if (!fork()) {
		int err = touch_all(fd);

		if (!fork()) {
			close(pipes[0]);
			for (int i = 0; i < 1000 && (guests() || pinned()); i++)
				usleep(10000);
			word = !err && !guests() && !pinned() &&
			       run(fd, &event) == EPERM;
			_exit(write(pipes[1], &word, 1) != 1);
		}
		_exit(0);
	}
	close(fd);
	close(pipes[1]);
	is("the child of a Launcher that is gone: all is free",
	   read(pipes[0], &word, 1) == 1 && word, 1);
	wait(NULL);
	close(pipes[0]);
}

static void heard_in_time(int seconds)
{
	alarm(seconds);
}

/* One rings, until the other's Launcher is gone, whose file lives on. */
static void bell_of_the_dead(void)
{
	int file = memfd_create("key", 0), fd = open_guest(), status;
	struct lguest_event event;
	pid_t listener, ringer;
	char *memory;

	if (file < 0 || ftruncate(file, MEMORY))
		exit(2);
	memory = new_memory(MAP_SHARED, file);
	listener = fork();
	if (!listener) {
		__u64 bind[] = { LHREQ_BIND_DMA, KEY, 0, eventfd(0, 0) };

		if (initialise(fd, memory, spin) ||
		    write(fd, bind, sizeof(bind)) < 0)
			_exit(2);
		run(fd, &event);
		_exit(2);
	}
	while (pinned() < PAGES && !waitpid(listener, NULL, WNOHANG))
		usleep(10000);
	ringer = fork();
	if (!ringer) {
		fd = open_guest();
		/* Other memory, but the page of the key is shared. */
		memory = new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
		mmap(memory + KEY, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, file, KEY);
		heard_in_time(20);
		if (initialise(fd, memory, ring) || run(fd, &event))
			_exit(2);
		_exit(event.kind != LGUEST_EVENT_SHUTDOWN);
	}
	usleep(300000);
	is("a Guest rings at another", waitpid(ringer, &status, WNOHANG), 0);
	kill(listener, SIGKILL);
	waitpid(ringer, &status, 0);
	is("and hears that nobody is there, though the file is", status, 0);
	waitpid(listener, NULL, 0);
	munmap(memory, MEMORY);
	close(file);
	close(fd);
}

static void kind_of_memory(const char *what, char *memory, const char *text)
{
	struct lguest_event event = { .text = "" };
	int fd = open_guest(), err = initialise(fd, memory, touch);
	char name[80];

	if (!err)
		err = run(fd, &event);
	snprintf(name, sizeof(name), "%s: %s", what, text[0] ? text : "fine");
	is(name, err ? err : strncmp(event.text, text, strlen(text)) ||
	   (!text[0] && event.text[0]), 0);
	if (event.text[0])
		printf("# %s\n", event.text);
	close(fd);
	munmap(memory, MEMORY);
	is("and its end", pinned(), 0);
}

static void kinds_of_memory(void)
{
	int file = open("/ramfs/memory", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int shm = memfd_create("memory", 0);
	char *memory;

	if (file < 0 || shm < 0 || ftruncate(file, MEMORY) ||
	    ftruncate(shm, MEMORY)) {
		perror("files");
		exit(2);
	}
	kind_of_memory("shared memory", new_memory(MAP_SHARED, shm), "");
	kind_of_memory("a private copy of a file",
		       new_memory(MAP_PRIVATE, file), "");
	kind_of_memory("a file", new_memory(MAP_SHARED, file),
		       "gpa 1000 has no memory");
	memory = new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	mmap(memory + 0x200000, 8192, PROT_READ | PROT_WRITE,
	     MAP_SHARED | MAP_FIXED, file, 0);
	kind_of_memory("two pages of a file", memory, "gpa 201000 has no memory");
	memory = new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	munmap(memory + 0x200000, 4096);
	kind_of_memory("a hole", memory, "gpa 200000 has no memory");
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		      MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	if (memory != MAP_FAILED)
		kind_of_memory("huge pages", memory, "");
	else
		is("huge pages", errno, 0);
	close(shm);
	close(file);
}

static void count_signal(int signal)
{
	(void)signal;
}

/* Signals that come while it is made: nobody notices. */
static void interrupted(void)
{
	struct sigaction action = { .sa_handler = count_signal };
	struct itimerval often = { { 0, 3000 }, { 0, 3000 } }, never = { };
	int i, fd, err = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (i = 0; i < 100 && !err; i++) {
		char *memory = new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1);

		fd = open_guest();
		err = initialise(fd, memory, touch);
		close(fd);
		munmap(memory, MEMORY);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	is("a hundred Guests under fire of signals", err, 0);
	is("and nothing is charged for them", locked(), 0);
	signal(SIGALRM, SIG_DFL);
}

static void *install_ldt(void *unused)
{
	struct user_desc desc = { .limit = 0xfffff, .seg_32bit = 1,
				  .limit_in_pages = 1 };

	usleep(200000);
	syscall(SYS_modify_ldt, 1, &desc, sizeof(desc));
	return unused;
}

/* Another thread makes an LDT while the Guest runs. */
static void ldt_meanwhile(void)
{
	int fd = open_guest(), status;
	struct lguest_event event;
	pthread_t thread;

	if (!fork()) {
		unsigned short selector = 7;

		alarm(20);
		pthread_create(&thread, NULL, install_ldt, NULL);
		if (initialise(fd, new_memory(MAP_PRIVATE | MAP_ANONYMOUS, -1),
			       spin))
			_exit(99);
		if (run(fd, &event) != EOPNOTSUPP)
			_exit(98);
		asm volatile("mov %0, %%es" : : "r" (selector));
		_exit(0);
	}
	wait(&status);
	is("an LDT made meanwhile ends the read, and can be used", status, 0);
	close(fd);
}

/* A tenth of the limit each; what was before must not count any more. */
static void exec_again(char *self, int turn, int fd)
{
	char turn_text[16], fd_text[16];

	snprintf(turn_text, sizeof(turn_text), "%d", turn);
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	execl("/proc/self/exe", self, prefix, turn_text, fd_text, NULL);
	exit(2);
}

int main(int argc, char *argv[])
{
	struct rlimit limit = { MEMORY, MEMORY };
	int turn = argc > 2 ? atoi(argv[2]) : 0, fd;

	if (argc > 1)
		prefix = argv[1];
	if (turn) {
		if (turn == 1)
			nobody_answers(atoi(argv[3]));
		fd = open_guest();
		if (turn == 9) {
			is("the tenth Guest, after nine execs", touch_all(fd),
			   0);
			is("its pages only", pinned(), PAGES);
			return 0;
		}
		if (touch_all(fd))
			return 3;
		exec_again(argv[0], turn + 1, fd);
	}
	setrlimit(RLIMIT_MEMLOCK, &limit);
	passed_on(0);
	passed_on(SIGKILL);
	forked();
	bell_of_the_dead();
	kinds_of_memory();
	interrupted();
	ldt_meanwhile();
	fd = open_guest();
	is("a Guest as big as the limit", touch_all(fd), 0);
	is("is charged", locked(), MEMORY / 1024);
	exec_again(argv[0], 1, fd);
}
