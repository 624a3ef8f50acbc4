// SPDX-License-Identifier: GPL-2.0
/*P:100
 * The Launcher is where a Guest begins. It is an ordinary program. It makes a
 * machine out of a stretch of its own memory, puts a kernel there, links the
 * Guest code against that kernel, writes the first page tables and the few
 * facts that a boot loader leaves behind, and opens /dev/lguest. From then on
 * it reads, and each read() runs the Guest until there is something to tell.
 *
 * The Guest's "physical" memory is a part of ours, from wherever mmap() put
 * it: one addition leads from its addresses to our own. In 2007 not even the
 * addition was needed, as the Guest's memory began at the Launcher's address
 * 0. So the Launcher itself had to be linked far up, out of the Guest's way,
 * and what lay below it was the most that a Guest could have. Today the limit
 * is 32 GB, half of what the smallest 64-bit processors could address. :*/

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "launcher.h"

static const char usage[] =
"Usage: lguest [options] MEMORY-IN-MB VMLINUZ [kernel arguments...]\n"
"Run a stock Linux kernel as a Guest of this one. Needs lg.ko loaded.\n"
"\n"
"  --initrd=FILE      give the Guest this initial RAM disk, not our own\n"
"  --block=FILE[,ro][,direct]  give it a disk, which is this file\n"
"                     (read-only; past the Host's page cache)\n"
"  --tunnet=IP[/N]    give it a network card; the other end is the Host's, IP\n"
"  --tunnet=bridge:NAME  and plug the other end into this bridge\n"
"  --sharenet=FILE[#N]   give it one on a wire which all have who say this\n"
"                     (each of these may end in ,mac=ADDRESS: the card's)\n"
"  --verbose          tell where everything is placed\n"
"  --version          tell the version of this program\n"
"  --help             this text\n"
"\n"
"Options may also stand among the kernel's arguments, before a \"--\".\n"
"On a terminal, Ctrl-a x leaves, Ctrl-a b KEY is a SysRq. The exit status\n"
"is 0 when the Guest powers off.\n";

static const struct option known[] = {
	{ "block", required_argument, NULL, 'b' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "tunnet", required_argument, NULL, 't' },
	{ "sharenet", required_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL }
};

static bool verbose;

void die(const char *format, ...)
{
	static bool said;
	va_list arguments;

	while (__atomic_exchange_n(&said, true, __ATOMIC_SEQ_CST))
		pause();
	console_restore();
	fputs("lguest: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

void note(const char *format, ...)
{
	va_list arguments;

	if (!verbose)
		return;
	fputs("lguest: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}
static void leave_without_a_page(int number)
{
	static const char line[] =
		"lguest: a file of ours was cut, or cannot be read any more\n";

	(void)number;
	console_restore();
	_exit(write(STDERR_FILENO, line, sizeof(line) - 1) < 0 ?
	      2 : EXIT_FAILURE);
}

static void expect_little(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			die("file %d is closed, and there is no /dev/null", fd);
	/* Files that may not grow: write() will say so. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGBUS, leave_without_a_page);
}
static void find_home(struct options *options)
{
	ssize_t length = readlink("/proc/self/exe", options->home,
				  sizeof(options->home) - 1);

	if (length <= 0)
		die("cannot find myself: is /proc mounted?");
	options->home[length] = '\0';
	*strrchr(options->home, '/') = '\0';
}
static void take_word(struct options *options, char *word)
{
	static size_t words;
	char *end;

	switch (words++) {
	case 0:
		options->megabytes = strtoul(word, &end, 10);
		if (!isdigit(*word) || *end)
			die("%s is no number of megabytes: try --help", word);
		break;
	case 1:
		options->kernel = word;
		break;
	default:
		options->arguments[words - 3] = word;
	}
}
static void wish_for(struct options *options,
		     void (*add)(struct machine *m, const char *what),
		     const char *what)
{
	static size_t wishes;

	options->wishes[wishes++] = (struct wish) { add, what };
}
static void parse_options(struct options *options, int argc, char *argv[])
{
	int c, at = 1;

	options->arguments = calloc(argc + 1, sizeof(*options->arguments));
	options->wishes = calloc(argc + 1, sizeof(*options->wishes));
	if (!options->arguments || !options->wishes)
		die("no memory for the options");
	for (; (c = getopt_long(argc, argv, "-:", known, NULL)) != -1;
	     at = optind) {
		switch (c) {
		case 1:
			take_word(options, optarg);
			break;
		case 'b':
			wish_for(options, block_add, optarg);
			break;
		case 'i':
			options->initrd = optarg;
			break;
		case 't':
			wish_for(options, net_tun, optarg);
			break;
		case 's':
			wish_for(options, net_share, optarg);
			break;
		case 'v':
			verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			printf("lguest for 64 bits, ABI %d\n", LGUEST_ABI);
			exit(EXIT_SUCCESS);
		case ':':
			die("option %s needs a value: try --help", argv[at]);
		default:
			die("unknown option %s: try --help", argv[at]);
		}
	}
	if (!options->kernel)
		die("how much memory, and which kernel? Try --help");
	for (; at < argc; at++)
		take_word(options, argv[at]);
}
/* If that fails, nothing is lost but time. */
static void sign_off_rseq(void)
{
	if (__rseq_size)
		syscall(SYS_rseq, (char *)__builtin_thread_pointer() +
			__rseq_offset, sizeof(struct rseq),
			RSEQ_FLAG_UNREGISTER, RSEQ_SIG);
}
static void refuse(void)
{
	switch (errno) {
	case EOPNOTSUPP:
		die("lg.ko refuses this machine: dmesg says why");
	case EINVAL:
		die("lg.ko does not understand this Launcher: rebuild both");
	case ENOMEM:
		die("the Host has no memory for a Guest (or see ulimit -l)");
	default:
		die("cannot start a Guest: %s", strerror(errno));
	}
}
static void start_guest(struct machine *m)
{
	struct lguest_initialize request = {
		.request = LHREQ_INITIALIZE,
		.abi = LGUEST_ABI,
		.memory = (u64)m->memory,
		.bytes = m->top,
		.cr3 = m->cr3,
		.entry = m->entry,
	};

	m->host = open("/dev/lguest", O_RDWR | O_CLOEXEC);
	if (m->host < 0 && (errno == EACCES || errno == EPERM))
		die("no permission to open /dev/lguest: run this as root");
	if (m->host < 0)
		die("no /dev/lguest (%s): load it: insmod %s/lg.ko",
		    strerror(errno), m->options->home);
	if (write(m->host, &request, sizeof(request)) != sizeof(request))
		refuse();
	sign_off_rseq();
	start_devices(m);
	console_start(m->console, m->host);
}
static const char *printable(char *text)
{
	char *at;

	for (at = text; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	return text;
}
/*L:170
 * exec closes /dev/lguest, as it was opened with O_CLOEXEC, and throws the
 * old memory away. The kernel file is read anew: it may be a new kernel.
 */
static void __attribute__((noreturn))
end_guest(u64 how, const char *text, char *argv[])
{
	switch (how) {
	case LGUEST_SHUTDOWN_POWEROFF:
		console_restore();
		exit(EXIT_SUCCESS);
	case LGUEST_SHUTDOWN_RESTART:
		console_restore();
		execv("/proc/self/exe", argv);
		die("cannot start again: %s", strerror(errno));
	default:
		die("the Guest crashed: %s", text);
	}
}
/*:*/
/*L:160
 * The Guest's kernel runs in here, with its hundred processes, its clocks
 * and its file systems. From outside it is a read() that takes very long.
 */
static void __attribute__((noreturn))
run_guest(const struct machine *m, char *argv[])
{
	struct lguest_event event;

	for (;;) {
		if (read(m->host, &event, sizeof(event)) != sizeof(event)) {
			if (errno == EINTR)
				continue;
			die("cannot run the Guest: %s", strerror(errno));
		}
		switch (event.kind) {
		case LGUEST_EVENT_NOTIFY:
			if (event.value == LGUEST_NOTIFY_CONSOLE)
				console_output(m->console);
			break;
		case LGUEST_EVENT_SHUTDOWN:
			end_guest(event.value, printable(event.text), argv);
		case LGUEST_EVENT_DEAD:
			die("the Guest died: %s", printable(event.text));
		}
	}
}
/*:*/
/*L:010
 * The Launcher needs no cleverness at this height. All files are read and
 * checked before we ask the Host for anything, so most mistakes are found
 * without a Host, by anyone, on any machine.
 */
int main(int argc, char *argv[])
{
	static struct options options;
	static struct image image;
	static struct machine machine;

	expect_little();
	find_home(&options);
	parse_options(&options, argc, argv);
	image_read(&image, options.kernel);
	machine_build(&machine, &image, &options);
	start_guest(&machine);
	run_guest(&machine, argv);
}
/*:*/

/*M:900
 * Here Guests begin, and here the quest ends. In 2007 it promised those who
 * finished it a Beer, or something as good. The promise is hereby renewed. :*/
