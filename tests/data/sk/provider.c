/* A security key's library around sk-dummy.so (DUMMY), with what that one lacks: a PIN, a wait for a touch, a crash. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PIN_REQUIRED (-3)

static void *of_dummy(const char *name) {
    static void *dummy;
    if (dummy == NULL && (dummy = dlopen(DUMMY, RTLD_NOW)) == NULL)
        abort();
    return dlsym(dummy, name);
}

uint32_t sk_api_version(void) {
    return ((uint32_t (*)(void))of_dummy("sk_api_version"))();
}

int sk_enroll(void) { return -1; }
int sk_load_resident_keys(void) { return -1; }

int sk_sign(uint32_t alg, const uint8_t *data, size_t data_len, const char *application, const uint8_t *handle,
    size_t handle_len, uint8_t flags, const char *pin, void *options, void *response) {
    const char *touch = getenv("SK_TEST_TOUCH"), *wanted = getenv("SK_TEST_PIN");
    int (*sign)(uint32_t, const uint8_t *, size_t, const char *, const uint8_t *, size_t, uint8_t, const char *,
        void *, void *) = of_dummy("sk_sign");

    if (getenv("SK_TEST_CRASH") != NULL)
        abort();
    /* Touched once somebody has read the notice. */
    while (touch != NULL && access(touch, F_OK) != 0)
        usleep(10000);
    if (wanted != NULL && (pin == NULL || strcmp(pin, wanted) != 0))
        return PIN_REQUIRED;
    return sign(alg, data, data_len, application, handle, handle_len, flags, NULL, options, response);
}
