// SPDX-License-Identifier: GPL-2.0
/*
 * kvm [SECONDS]: make a virtual machine of KVM's on one CPU and run it on the
 * other. It has a system call entry of its own, and halts at once, or spins for
 * so long.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEMORY	0x200000
#define PML4	0x1000
#define PDPT	0x2000
#define PD	0x3000
#define CODE	0x8000

#define NEED(works) do {						\
		if ((long)(works) < 0) {				\
			perror("kvm: " #works);				\
			exit(1);					\
		}							\
	} while (0)

static void go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	NEED(sched_setaffinity(0, sizeof(set), &set));
}

/* Long mode, 2 MB of memory, mapped one to one. */
static void start_in_long_mode(int cpu)
{
	struct kvm_segment code = { .limit = ~0u, .selector = 8, .present = 1,
				    .type = 11, .s = 1, .l = 1, .g = 1 };
	struct kvm_segment data = { .limit = ~0u, .selector = 16, .present = 1,
				    .type = 3, .s = 1, .db = 1, .g = 1 };
	struct kvm_regs regs = { .rip = CODE, .rsp = CODE, .rflags = 2 };
	struct kvm_sregs sregs;

	NEED(ioctl(cpu, KVM_GET_SREGS, &sregs));
	sregs.cr0 = 0x80050033;
	sregs.cr3 = PML4;
	sregs.cr4 = 0x20;
	sregs.efer = 0x501;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	NEED(ioctl(cpu, KVM_SET_SREGS, &sregs));
	NEED(ioctl(cpu, KVM_SET_REGS, &regs));
}

static void set_msrs(int kvm, int cpu)
{
	static struct {
		struct kvm_cpuid2 head;
		struct kvm_cpuid_entry2 entries[128];
	} cpuid = { .head.nent = 128 };
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[4];
	} msrs = {
		.head.nmsrs = 4,
		.entries = {
			{ .index = 0xc0000081, .data = 0x23001000000000 },
			{ .index = 0xc0000082, .data = 0xffffffff80dead00 },
			{ .index = 0xc0000084, .data = 0x47700 },
			{ .index = 0xc0000103, .data = 77 },
		},
	};

	NEED(ioctl(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid));
	NEED(ioctl(cpu, KVM_SET_CPUID2, &cpuid));
	NEED(ioctl(cpu, KVM_SET_MSRS, &msrs));
}

static volatile sig_atomic_t time_is_up;

static void note(int signal)
{
	time_is_up = signal;
}

int main(int argc, char *argv[])
{
	struct sigaction action = { .sa_handler = note };
	struct kvm_userspace_memory_region region = { .memory_size = MEMORY };
	int kvm, vm, cpu, size;
	struct kvm_run *run;
	char *memory;

	go_to(0);
	NEED(kvm = open("/dev/kvm", O_RDWR));
	NEED(vm = ioctl(kvm, KVM_CREATE_VM, 0));
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	NEED(memory == MAP_FAILED ? -1 : 0);
	region.userspace_addr = (unsigned long)memory;
	NEED(ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
	*(unsigned long *)(memory + PML4) = PDPT | 3;
	*(unsigned long *)(memory + PDPT) = PD | 3;
	*(unsigned long *)(memory + PD) = 0x83;
	memory[CODE] = (char)0xf4;		/* hlt */
	if (argc > 1)
		memcpy(memory + CODE, "\xeb\xfe", 2);	/* jmp . */
	NEED(cpu = ioctl(vm, KVM_CREATE_VCPU, 0));
	NEED(size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	NEED(run == MAP_FAILED ? -1 : 0);
	set_msrs(kvm, cpu);
	start_in_long_mode(cpu);
	go_to(1);
	sigaction(SIGALRM, &action, NULL);
	alarm(argc > 1 ? atoi(argv[1]) : 20);
	while (ioctl(cpu, KVM_RUN, 0) < 0) {
		NEED(errno == EINTR ? 0 : -1);
		if (time_is_up)
			return argc == 1;
	}
	printf("kvm: exit %u\n", run->exit_reason);
	return run->exit_reason != KVM_EXIT_HLT;
}
