// SPDX-License-Identifier: GPL-2.0
/* A thread that has ended before whoever started it looks after it. */
#include <errno.h>
#include <pthread.h>

#include "test.h"

int __wrap_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param);

/* The C library's asks Linux, who does not know the thread any more. */
int __wrap_pthread_setschedparam(pthread_t thread, int policy,
				 const struct sched_param *param)
{
	(void)thread;
	(void)policy;
	(void)param;
	errno = ESRCH;
	return ESRCH;
}

static void *end_at_once(void *unused)
{
	return unused;
}

int main(void)
{
	ok(!DIES(start_thread(end_at_once, NULL)),
	   "a thread that ends at once was started none the less");
	return finish();
}
