// SPDX-License-Identifier: GPL-2.0
/* What the kernel says of itself: interrupts, the CPU, and its log. */
#include "check.h"
#include <ctype.h>
#include <sys/klog.h>
#include <sys/sysinfo.h>

#define LOG_READ_ALL	3
#define LOG_SIZE	10

static char *kernel_log;

static void read_log(void)
{
	int size = klogctl(LOG_SIZE, NULL, 0), n;

	need(size > 0);
	kernel_log = malloc(size + 1);
	need(kernel_log);
	n = klogctl(LOG_READ_ALL, kernel_log, size);
	need(n >= 0);
	kernel_log[n] = '\0';
}

/* As a Guest there is one timer, irq 0, and no local APIC. */
static int is_guest(void)
{
	return strstr(kernel_log, "paravirtualized kernel on lguest") != NULL;
}

/* Count of an interrupt over all CPUs, or -1; its description in text. */
static long interrupts(const char *name, char text[80])
{
	FILE *in = fopen("/proc/interrupts", "r");
	char line[4096], *p, *end;
	long sum = -1, n;

	need(in);
	while (fgets(line, sizeof(line), in)) {
		p = line + strspn(line, " ");
		if (strncmp(p, name, strlen(name)) || p[strlen(name)] != ':')
			continue;
		p += strlen(name) + 1;
		for (sum = 0;; sum += n, p = end) {
			n = strtol(p, &end, 10);
			if (end == p || !isspace(*end))
				break;
		}
		p += strspn(p, " ");
		p[strcspn(p, "\n")] = '\0';
		snprintf(text, 80, "%.79s", p);
	}
	fclose(in);
	return sum;
}

/* The number of a line that names the console's driver, or -1. */
static long console_interrupts(char number[16])
{
	FILE *in = fopen("/proc/interrupts", "r");
	char line[4096], text[80];

	need(in);
	number[0] = '\0';
	while (fgets(line, sizeof(line), in))
		if (strstr(line, "hvc") || strstr(line, "ttyS"))
			sscanf(line, " %15[0-9]", number);
	fclose(in);
	return number[0] ? interrupts(number, text) : -1;
}

static void check_interrupts(void)
{
	const char *timer = is_guest() ? "0" : "LOC";
	char text[80] = "", number[16];
	long before, after, n;

	before = interrupts(timer, text);
	for (int i = 0; i < 50; i++)
		sleep_ns(10000000);
	after = interrupts(timer, text);
	check(before > 0 && after - before >= 40 && after - before < 2000,
	      "the timer's interrupts grow as they should",
	      "%s (%s): from %ld to %ld in half a second", timer, text, before,
	      after);
	n = console_interrupts(number);
	check(n >= 0, "the console has an interrupt",
	      "no hvc or ttyS in /proc/interrupts");
	if (is_guest()) {
		n = interrupts("LOC", text);
		check(n <= 0, "a Guest has no local APIC timer", "LOC: %ld",
		      n);
	}
	n = interrupts("ERR", text);
	check(n <= 0, "no spurious interrupts", "ERR: %ld", n);
	n = interrupts("MCE", text);
	check(n <= 0, "no machine checks", "MCE: %ld", n);
}

static void check_cpu(void)
{
	FILE *in = fopen("/proc/cpuinfo", "r");
	int processors = 0, mhz = 0, have_sse2 = 0;
	static char line[8192];
	struct sysinfo info;

	need(in);
	while (fgets(line, sizeof(line), in)) {
		processors += !strncmp(line, "processor\t", 10);
		sscanf(line, "cpu MHz : %d", &mhz);
		if (!strncmp(line, "flags\t", 6))
			have_sse2 = strstr(line, " sse2 ") != NULL;
	}
	fclose(in);
	check(processors == sysconf(_SC_NPROCESSORS_ONLN) && have_sse2 &&
	      mhz > 100, "/proc/cpuinfo", "%d CPUs, %d MHz, %s sse2",
	      processors, mhz, have_sse2 ? "has" : "no");
	need(!sysinfo(&info));
	check(info.freeram > 0 && info.freeram <= info.totalram &&
	      info.uptime > 0, "sysinfo", "%ld free of %ld, up %ld s",
	      (long)info.freeram, (long)info.totalram, (long)info.uptime);
}

static void check_log(void)
{
	static const char * const bad[] = {
		"WARNING:", "BUG:", "BUG at", "Oops", "Call Trace", "cut here",
		"stalls on CPU", "self-detected stall", "soft lockup",
		"blocked for more than", "Bad page", "nobody cared",
		"bad pmd", "scheduling while atomic", "Marking clocksource",
	};
	char found[200] = "";

	check(strstr(kernel_log, "Linux version") != NULL,
	      "the kernel's log has its first line", "it was overwritten");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *p = strstr(kernel_log, bad[i]), *line = p;

		if (!p)
			continue;
		while (line > kernel_log && line[-1] != '\n')
			line--;
		snprintf(found, sizeof(found), "%.*s",
			 (int)strcspn(line, "\n"), line);
		break;
	}
	check(!found[0], "no WARNING, BUG or Oops in the log", "%s", found);
}

int main(void)
{
	read_log();
	check_cpu();
	check_interrupts();
	check_log();
	return done();
}
