#include "CPosixShim.h"

#include <stdarg.h>

// libdispatch reports to syslog when it may not raise a thread's priority, which an ordinary user never may. netimg
// logs on standard error alone, and an offline build opens no socket of any kind: these take the C library's place.

void syslog(int priority, const char *format, ...) {
  (void)priority;
  (void)format;
}

void vsyslog(int priority, const char *format, va_list arguments) {
  (void)priority;
  (void)format;
  (void)arguments;
}

int netimg_keep_syslog_silent(void) { return 0; }
