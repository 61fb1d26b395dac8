// PID 1 of a test's initrd: writes authenticated variables through the running firmware, as efi-updatevar does.
//
// /parameters: a line for each write, VARIABLE FILE ATTRIBUTES. The answer is one line, `guest: …`, with the size of the
// variable after each write, or why the firmware refused it; then the machine switches off.
#define _GNU_SOURCE
#include "CPosixShim.h"

#include <linux/fs.h>
#include <sys/ioctl.h>

static char answer[1024] = "";

static void end(void) {
  char line[1100];
  int file = open("/dev/kmsg", O_WRONLY);
  int length = snprintf(line, sizeof line, "<3>guest:%s\n", answer);
  if (write(file, line, (size_t)length) != length) perror("kmsg");
  sleep(1); // The serial line is slower than the machine.
  netimg_reboot(NETIMG_REBOOT_POWER_OFF);
  for (;;) pause();
}

static void say(const char *format, const char *name, long number) {
  size_t used = strlen(answer);
  snprintf(answer + used, sizeof answer - used, format, name, number);
}

static void fail(const char *action) {
  say(" %s: errno %ld", action, errno);
  end();
}

static void write_variable(const char *variable, const char *name, unsigned attributes) {
  static char data[65536];
  char path[256], source[64];
  snprintf(path, sizeof path, "/variables/%s", variable);
  snprintf(source, sizeof source, "/%s", name);
  int file = open(source, O_RDONLY);
  if (file < 0) fail(source);
  memcpy(data, &attributes, 4);
  ssize_t count = read(file, data + 4, sizeof data - 4) + 4;
  close(file);
  // The kernel protects variables that are there (efivarfs, FS_IMMUTABLE_FL).
  int flags = 0, old = open(path, O_RDONLY);
  if (old >= 0) ioctl(old, FS_IOC_SETFLAGS, &flags), close(old);
  file = open(path, O_WRONLY | O_CREAT, 0644);
  int refusal = file < 0 || write(file, data, (size_t)count) != count ? errno : 0;
  close(file);
  struct stat status;
  if (refusal) say(" %s=errno-%ld", name, refusal);
  else say(" %s=%ld", name, stat(path, &status) ? 0 : status.st_size - 4);
}

int main(void) {
  mkdir("/sys", 0755), mkdir("/dev", 0755), mkdir("/variables", 0755);
  if (mount("devtmpfs", "/dev", "devtmpfs", 0, "") || mount("sysfs", "/sys", "sysfs", 0, "")) fail("mount");
  int module = open("/efivarfs.ko", O_RDONLY);
  if (netimg_finit_module(module, "", 0)) fail("efivarfs.ko");
  if (mount("efivarfs", "/variables", "efivarfs", 0, "")) fail("efivarfs");
  FILE *parameters = fopen("/parameters", "r");
  char variable[128], name[48];
  unsigned attributes;
  if (!parameters) fail("parameters");
  while (fscanf(parameters, "%127s %47s %x", variable, name, &attributes) == 3)
    write_variable(variable, name, attributes);
  end();
}
