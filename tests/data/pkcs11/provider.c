// A PKCS#11 library that is SoftHSM's but for one thing, which goes wrong. Compiled by the tests with -DLIBRARY="…" and
// -DWRONG=a number of below.
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CRASH_INITIALIZE = 1, HANG_INITIALIZE, CRASH_SIGN, OTHER_DATA, HANG_SIGN, REFUSE_PIN };

// CK_FUNCTION_LIST (PKCS#11 2.40): a version, then pointers in the order of the standard.
enum { INITIALIZE = 0, LOGIN = 18, SIGN = 43, FUNCTIONS = 68 };
struct list {
    unsigned char version[2];
    void *functions[FUNCTIONS];
};

static struct list list;
static unsigned long (*real_sign)(unsigned long, unsigned char *, unsigned long, unsigned char *, unsigned long *);

static unsigned long initialize(void *args) {
    (void)args;
    if (WRONG == CRASH_INITIALIZE) abort();
    for (;;) pause();
}

static unsigned long (*real_login)(unsigned long, unsigned long, unsigned char *, unsigned long);

// Refuses the PIN (CKR_PIN_INCORRECT) where a signature wants it (CKU_CONTEXT_SPECIFIC), as if it had been changed.
static unsigned long login(unsigned long session, unsigned long user, unsigned char *pin, unsigned long length) {
    if (user != 2) return real_login(session, user, pin, length);
    fputs("a PIN refused\n", stderr);
    return 0xa0;
}

static unsigned long sign(unsigned long session, unsigned char *data, unsigned long length, unsigned char *out,
                          unsigned long *out_length) {
    if (WRONG == CRASH_SIGN) abort();
    if (WRONG == HANG_SIGN) for (;;) pause();
    unsigned char other[4096] = {0};
    return real_sign(session, length <= sizeof other ? other : data, length, out, out_length);
}

unsigned long C_GetFunctionList(struct list **into) {
    // Standard output is nobody's channel here.
    puts("a vendor's greeting");
    fflush(stdout);
    fputs("a vendor's complaint\n", stderr);
    void *real = dlopen(LIBRARY, RTLD_NOW);
    unsigned long (*get)(struct list **) = real ? dlsym(real, "C_GetFunctionList") : NULL;
    struct list *theirs;
    if (!get || get(&theirs)) return 5;
    list = *theirs;
    real_sign = list.functions[SIGN];
    if (WRONG == CRASH_INITIALIZE || WRONG == HANG_INITIALIZE) list.functions[INITIALIZE] = initialize;
    else if (WRONG == REFUSE_PIN) real_login = list.functions[LOGIN], list.functions[LOGIN] = login;
    else list.functions[SIGN] = sign;
    *into = &list;
    return 0;
}
