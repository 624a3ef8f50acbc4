// SPDX-License-Identifier: GPL-2.0
/* Threads: futexes, thread-local variables, locks, and who runs when. */
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#define THREADS	8
#define ROUNDS	5000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t together;
static __thread long mine[16];
static long counter;
static long turn;
static int futex_word;
static __thread volatile int signals_here;

static void run_threads(void *(*function)(void *), long results[THREADS])
{
	pthread_t threads[THREADS];
	long i;

	for (i = 0; i < THREADS; i++)
		need(!pthread_create(&threads[i], NULL, function, (void *)i));
	for (i = 0; i < THREADS; i++)
		need(!pthread_join(threads[i], (void **)&results[i]));
}

static long sum_of(void *(*function)(void *))
{
	long results[THREADS], sum = 0;

	run_threads(function, results);
	for (int i = 0; i < THREADS; i++)
		sum += results[i];
	return sum;
}

static void *count_under_lock(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&lock);
		long seen = counter;

		if (i % 500 == 0)
			sched_yield();
		counter = seen + 1;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

/* Each thread waits for its turn, then hands it on. */
static void *take_turns(void *arg)
{
	long me = (long)arg, wrong = 0;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&lock);
		while (turn % THREADS != me)
			pthread_cond_wait(&turned, &lock);
		wrong += turn != i * THREADS + me;
		turn++;
		pthread_cond_broadcast(&turned);
		pthread_mutex_unlock(&lock);
	}
	return (void *)wrong;
}

static void *keep_to_itself(void *arg)
{
	long me = (long)arg, wrong = 0;
	int i, j;

	for (i = 0; i < 16; i++)
		wrong += mine[i] != 0;
	for (i = 0; i < 500; i++) {
		for (j = 0; j < 16; j++)
			mine[j] = me * 1000 + i + j;
		sched_yield();
		for (j = 0; j < 16; j++)
			wrong += mine[j] != me * 1000 + i + j;
	}
	return (void *)wrong;
}

static void *meet(void *arg)
{
	long serial = 0;

	(void)arg;
	for (int i = 0; i < 100; i++)
		serial += pthread_barrier_wait(&together) ==
			  PTHREAD_BARRIER_SERIAL_THREAD;
	return (void *)serial;
}

static long futex(int *word, int op, int value, struct timespec *timeout)
{
	return syscall(SYS_futex, word, op, value, timeout, NULL, 0);
}

static void *await_futex(void *arg)
{
	(void)arg;
	while (!__atomic_load_n(&futex_word, __ATOMIC_SEQ_CST))
		futex(&futex_word, FUTEX_WAIT_PRIVATE, 0, NULL);
	return (void *)1;
}

static void *do_nothing(void *arg)
{
	return arg;
}

static void count_here(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)info, (void)context;
	signals_here++;
}

static void *await_signal(void *arg)
{
	(void)arg;
	pthread_barrier_wait(&together);
	while (!signals_here)
		sched_yield();
	return (void *)(long)signals_here;
}

static void check_futexes(void)
{
	struct timespec timeout = { .tv_nsec = 50000000 };
	pthread_t threads[THREADS];
	int64_t start = now_ns();
	long woken = 0, n;
	void *result;

	n = futex(&futex_word, FUTEX_WAIT_PRIVATE, 1, NULL);
	check(n == -1 && errno == EAGAIN, "a futex with another value: EAGAIN",
	      "%ld, error %d", n, errno);
	n = futex(&futex_word, FUTEX_WAIT_PRIVATE, 0, &timeout);
	check(n == -1 && errno == ETIMEDOUT && now_ns() - start >= 50000000,
	      "a futex wait times out, not early", "%ld, error %d after %lld",
	      n, errno, (long long)(now_ns() - start));

	for (long i = 0; i < THREADS; i++)
		need(!pthread_create(&threads[i], NULL, await_futex, NULL));
	sleep_ns(200000000);
	__atomic_store_n(&futex_word, 1, __ATOMIC_SEQ_CST);
	woken = futex(&futex_word, FUTEX_WAKE_PRIVATE, THREADS, NULL);
	for (int i = 0; i < THREADS; i++)
		need(!pthread_join(threads[i], &result));
	check(woken == THREADS, "one wake wakes all that wait", "%ld of %d",
	      woken, THREADS);
}

static void check_signals(void)
{
	pthread_t threads[THREADS];
	long once = 0;
	void *result;

	on_signal(SIGUSR1, 0, count_here);
	need(!pthread_barrier_init(&together, NULL, THREADS + 1));
	for (int i = 0; i < THREADS; i++)
		need(!pthread_create(&threads[i], NULL, await_signal, NULL));
	pthread_barrier_wait(&together);
	for (int i = 0; i < THREADS; i++)
		need(!pthread_kill(threads[i], SIGUSR1));
	for (int i = 0; i < THREADS; i++) {
		need(!pthread_join(threads[i], &result));
		once += (long)result == 1;
	}
	check(once == THREADS && !signals_here,
	      "pthread_kill reaches the thread that it names",
	      "%ld of %d got one, %d came here", once, THREADS, signals_here);
}

int main(void)
{
	long n, i;
	pthread_t thread;
	void *result;

	sum_of(count_under_lock);
	check(counter == THREADS * ROUNDS, "a mutex guards a counter",
	      "%ld, not %d", counter, THREADS * ROUNDS);
	n = sum_of(take_turns);
	check(!n && turn == THREADS * 200, "a condition hands the turn round",
	      "%ld turns wrong, %ld in all", n, turn);
	n = sum_of(keep_to_itself);
	check(!n && !mine[0], "each thread has its own __thread variables",
	      "%ld words wrong, %ld in main's", n, mine[0]);
	need(!pthread_barrier_init(&together, NULL, THREADS));
	n = sum_of(meet);
	check(n == 100, "a barrier opens once for all", "%ld times", n);
	check_futexes();
	check_signals();
	for (i = n = 0; i < 200; i++) {
		need(!pthread_create(&thread, NULL, do_nothing, (void *)i));
		need(!pthread_join(thread, &result));
		n += (long)result == i;
	}
	check(n == 200, "200 threads come and go", "%ld did", n);
	return done();
}
