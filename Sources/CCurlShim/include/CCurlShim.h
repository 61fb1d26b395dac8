// libcurl's option setters are variadic, which Swift cannot call: one typed function for each kind.
#ifndef NETIMG_CCURLSHIM_H
#define NETIMG_CCURLSHIM_H

#include <curl/curl.h>

CURLcode netimg_curl_setopt_long(CURL *handle, CURLoption option, long value);
CURLcode netimg_curl_setopt_string(CURL *handle, CURLoption option, const char *value);
CURLcode netimg_curl_setopt_pointer(CURL *handle, CURLoption option, void *value);
CURLcode netimg_curl_setopt_offset(CURL *handle, CURLoption option, curl_off_t value);
CURLcode netimg_curl_setopt_write(CURL *handle, size_t (*callback)(char *, size_t, size_t, void *), void *context);
CURLcode netimg_curl_setopt_read(CURL *handle, size_t (*read)(char *, size_t, size_t, void *),
                                 int (*seek)(void *, curl_off_t, int), void *context);
CURLcode netimg_curl_setopt_header(CURL *handle, size_t (*callback)(char *, size_t, size_t, void *), void *context);
CURLcode netimg_curl_getinfo_long(CURL *handle, CURLINFO info, long *value);

#endif
