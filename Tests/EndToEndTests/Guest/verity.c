// PID 1 of a test's initrd: mounts the root image as stage 0 does, but over a memory file that it can still write to,
// changes one byte behind the mounted file system, and tells what the kernel says to a reader.
//
// /parameters: ROOTHASH DATASIZE OFFSET PATH. The answer is one line, `guest: …`; then the machine switches off.
#define _GNU_SOURCE
#include "CPosixShim.h"

#include <sys/sysmacros.h>

static void say(const char *text) {
  char line[512];
  int file = open("/dev/kmsg", O_WRONLY);
  // One write is one message.
  int length = snprintf(line, sizeof line, "<3>guest: %s\n", text);
  if (write(file, line, (size_t)length) != length) perror("kmsg");
  close(file);
}

static void end(const char *text) {
  say(text);
  sleep(1); // The serial line is slower than the machine.
  netimg_reboot(NETIMG_REBOOT_POWER_OFF);
  for (;;) pause();
}

static void fail(const char *action) {
  char text[256];
  snprintf(text, sizeof text, "%s: %s", action, strerror(errno));
  end(text);
}

static void load_modules(void) {
  FILE *order = fopen("/netimg/modules/order", "r");
  char line[128], path[192];
  if (!order) fail("order");
  while (fgets(line, sizeof line, order)) {
    line[strcspn(line, "\n")] = 0;
    int optional = line[0] == '?';
    snprintf(path, sizeof path, "/netimg/modules/%s", line + optional);
    int file = open(path, O_RDONLY);
    if (file < 0 || (netimg_finit_module(file, "", 0) && errno != EEXIST && !optional)) fail(path);
    close(file);
  }
}

static int copy_image(uint64_t *size) {
  int from = open("/root.img", O_RDONLY), to = netimg_memfd("image");
  static char chunk[1 << 20];
  if (from < 0 || to < 0) fail("image");
  for (ssize_t count; (count = read(from, chunk, sizeof chunk)) > 0; *size += (uint64_t)count)
    if (write(to, chunk, (size_t)count) != count) fail("copy");
  return to;
}

static const char *outcome(const char *path) {
  // Nothing that was read before may answer.
  int drop = open("/proc/sys/vm/drop_caches", O_WRONLY);
  if (drop < 0 || write(drop, "3", 1) != 1) fail("drop_caches");
  close(drop);
  static char chunk[65536];
  int file = open(path, O_RDONLY);
  if (file < 0) return "unopened";
  ssize_t count;
  while ((count = read(file, chunk, sizeof chunk)) > 0) {}
  int error = errno;
  close(file);
  return count == 0 ? "ok" : error == EIO ? "EIO" : "other";
}

static void flip(int image, uint64_t offset) {
  unsigned char byte;
  if (pread(image, &byte, 1, (off_t)offset) != 1) fail("pread");
  byte ^= 1;
  if (pwrite(image, &byte, 1, (off_t)offset) != 1) fail("pwrite");
}

int main(void) {
  for (const char **path = (const char *[]){"/dev", "/proc", "/root", NULL}; *path; path++) mkdir(*path, 0755);
  if (mount("devtmpfs", "/dev", "devtmpfs", 0, NULL) || mount("proc", "/proc", "proc", 0, NULL)) return 1;
  char hash[65], path[128], file[192], table[256], status[64], answer[256];
  unsigned long long data, offset;
  FILE *parameters = fopen("/parameters", "r");
  if (!parameters || fscanf(parameters, "%64s %llu %llu %127s", hash, &data, &offset, path) != 4) fail("parameters");
  load_modules();

  uint64_t size = 0, device = 0;
  int image = copy_image(&size);
  int loop = netimg_loop_attach(image, size);
  if (loop < 0) fail("loop");
  snprintf(table, sizeof table, "1 /dev/loop%d /dev/loop%d 4096 4096 %llu %llu sha256 %s -", loop, loop, data / 4096,
           data / 4096 + 1, hash);
  if (netimg_dm_create("test", "test", "verity", table, data / 512, &device)) fail("verity");
  snprintf(file, sizeof file, "/dev/dm-%u", minor(device));
  if (mount(file, "/root", "erofs", MS_RDONLY, NULL)) fail("mount");

  snprintf(file, sizeof file, "/root%s", path);
  const char *before = outcome(file);
  flip(image, offset);
  const char *flipped = outcome(file);
  const char *other = outcome("/root/usr/lib/systemd/systemd");
  if (netimg_dm_status(device, status, sizeof status)) fail("status");
  flip(image, offset);
  const char *restored = outcome(file);
  snprintf(answer, sizeof answer, "before=%s flipped=%s other=%s restored=%s status=%s", before, flipped, other,
           restored, status);
  end(answer);
}
