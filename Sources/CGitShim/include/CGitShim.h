// libgit2's global options are variadic, which Swift cannot call.
#ifndef NETIMG_CGITSHIM_H
#define NETIMG_CGITSHIM_H

/// Starts libgit2 for reading only: no configuration of the machine or the user is read, and a repository may belong
/// to somebody else. The owner check guards programs that run what a repository's configuration says; nothing here
/// does. Gives 0, or libgit2's error code.
int netimg_git_start(void);

/// Makes the certificates in a PEM file the only ones that HTTPS hosts' may come from, for the whole process. Gives 0, or
/// libgit2's error code.
int netimg_git_set_authority(const char *path);

#endif
