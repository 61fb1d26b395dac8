#include "CGitShim.h"

#include <git2.h>

int netimg_git_start(void) {
  int code = git_libgit2_init();
  if (code < 0) return code;
  static const int levels[] = {GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL,
                               GIT_CONFIG_LEVEL_PROGRAMDATA};
  for (unsigned index = 0; index < sizeof levels / sizeof *levels; index++) {
    code = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[index], "");
    if (code < 0) return code;
  }
  return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

int netimg_git_set_authority(const char *path) {
  return git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, path, NULL);
}
