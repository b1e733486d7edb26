/*
 * A wall clock that jumps on demand, preloaded into a process: the file named by JUMPING_CLOCK holds one 64-bit number
 * of milliseconds that is added to CLOCK_REALTIME. The file is mapped, so a jump costs the process nothing and is in force
 * for its very next look at the clock. Monotonic clocks go on as they are, as they do when an operator sets the time.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*real_clock)(clockid_t, struct timespec *);
static volatile int64_t *offset;

__attribute__((constructor)) static void set_up(void) {
  const char *file = getenv("JUMPING_CLOCK");
  real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  if (file == NULL) return;
  int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) abort(); /* A clock that quietly does not jump would make every test of it hold. */
  void *mapped = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped == MAP_FAILED) abort();
  offset = mapped;
}

int clock_gettime(clockid_t id, struct timespec *at) {
  /* Other libraries' constructors may come first. */
  if (real_clock == NULL)
    real_clock = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real_clock(id, at);
  if (result != 0 || offset == NULL) return result;
  if (id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE) return result;
  int64_t by = *offset;
  at->tv_sec += by / 1000;
  at->tv_nsec += by % 1000 * 1000000;
  if (at->tv_nsec < 0) {
    at->tv_nsec += 1000000000;
    at->tv_sec -= 1;
  } else if (at->tv_nsec >= 1000000000) {
    at->tv_nsec -= 1000000000;
    at->tv_sec += 1;
  }
  return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
  struct timespec now;
  (void)zone; /* Obsolete: nobody passes one. */
  int result = clock_gettime(CLOCK_REALTIME, &now);
  if (result != 0) return result;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at != NULL) *at = now.tv_sec;
  return now.tv_sec;
}
