__attribute__((import_module("palyra:plugins/host-capabilities@0.1.0"), import_name("http-count"))) int hc(void);
__attribute__((export_name("run"))) int run(void) { return hc(); }
