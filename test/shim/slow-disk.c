/*
 * A disk that misbehaves on demand, preloaded into a process: while the file named by SLOW_DISK_HANG exists, fsync and
 * fdatasync do not return; while that of SLOW_DISK_FAIL exists, they fail with EIO; while that of SLOW_DISK_UNREADABLE
 * exists, reads from the offset in it on fail with EIO; while that of SLOW_DISK_FULL exists, writes fail with ENOSPC, and
 * so they do when SLOW_DISK_ROOM bytes were written. Only for files whose path contains SLOW_DISK_MATCH.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static long long written = 0;

static int is_full(size_t size) {
  const char *room = getenv("SLOW_DISK_ROOM");
  if (room == NULL) return 0;
  return __sync_add_and_fetch(&written, (long long)size) > atoll(room);
}

static int on(const char *name) {
  const char *file = getenv(name);
  return file != NULL && access(file, F_OK) == 0;
}

static int is_unreadable(off64_t at) {
  const char *name = getenv("SLOW_DISK_UNREADABLE");
  FILE *file = name == NULL ? NULL : fopen(name, "r");
  if (file == NULL) return 0;
  long long from = 0;
  if (fscanf(file, "%lld", &from) != 1) from = 0;
  fclose(file);
  return at >= from;
}

static int concerns(int fd) {
  const char *match = getenv("SLOW_DISK_MATCH");
  char link[64];
  char path[4096];
  if (match == NULL) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = '\0';
  return strstr(path, match) != NULL;
}

static int sync_as(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (concerns(fd)) {
    while (on("SLOW_DISK_HANG")) usleep(2000);
    if (on("SLOW_DISK_FAIL")) {
      errno = EIO;
      return -1;
    }
  }
  return real(fd);
}

int fsync(int fd) { return sync_as("fsync", fd); }

int fdatasync(int fd) { return sync_as("fdatasync", fd); }

static ssize_t write_as(const char *name, int fd, const void *data, size_t size, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) =
      (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, name);
  if (concerns(fd) && (on("SLOW_DISK_FULL") || is_full(size))) {
    errno = ENOSPC;
    return -1;
  }
  return real(fd, data, size, at);
}

static ssize_t read_as(const char *name, int fd, void *data, size_t size, off64_t at) {
  ssize_t (*real)(int, void *, size_t, off64_t) =
      (ssize_t(*)(int, void *, size_t, off64_t))dlsym(RTLD_NEXT, name);
  if (concerns(fd) && is_unreadable(at)) {
    errno = EIO;
    return -1;
  }
  return real(fd, data, size, at);
}

ssize_t pread(int fd, void *data, size_t size, off_t at) { return read_as("pread", fd, data, size, at); }

ssize_t pread64(int fd, void *data, size_t size, off64_t at) {
  return read_as("pread64", fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
  return write_as("pwrite", fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
  return write_as("pwrite64", fd, data, size, at);
}
