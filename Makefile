# make            build everything into build/
# make check      install what is missing, build, run every test
# make demo       install what is missing, build, show the store at work
# make asan | tsan | cov        the tests under sanitizers; with coverage
# make bench | bench-quick      libstore beside its peers: figures and a plot, 12 minutes; half a minute
# make bench-files | bench-files-quick   storefs beside other file systems: figures and a plot, 10 minutes; two
# make bench-curve              what operations cost as objects and bodies grow: figures and a plot, 5 minutes
# make lint       static analysis and the project's own rules
# make install | uninstall      DESTDIR=, prefix=, bindir=, libdir= ...
# Variables: V=1 shows commands, MODE=debug|asan|tsan|cov, CC=clang, CFLAGS=..., FILTER='put/*'

VERSION := $(shell sed -n 's/^\#define STORE_VERSION "\(.*\)"/\1/p' libstore/store.h)
SOVER   := 0

MODE    ?= release
BUILD   ?= $(if $(filter release,$(MODE)),build,build/$(MODE))
prefix  ?= /usr/local
bindir  ?= $(prefix)/bin
libdir  ?= $(prefix)/lib
incdir  ?= $(prefix)/include
mandir  ?= $(prefix)/share/man
compdir ?= $(prefix)/share/bash-completion/completions
INSTALL ?= install
OBJCOPY ?= objcopy
CFLAGS  ?= -O2 -g
FILTER  ?=

ifeq ($(V),1)
say := @:
Q   :=
else
say := @printf '  %-5s %s\n'
Q   := @
endif

comma   := ,
mode_debug := -O0
mode_asan  := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
mode_tsan  := -O1 -fsanitize=thread
mode_cov   := -O0 --coverage
mode_flags := $(mode_$(MODE))
warnings := -Wall -Wextra -Wshadow -Wundef -Wvla -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
            -Wformat=2
cflags   := -std=c17 -D_GNU_SOURCE -fvisibility=hidden -fPIC -pthread $(warnings)

# What pkg-config says, asked once, when first needed (it may be installed only then).
ask       = $(shell pkg-config $1 $2 2>/dev/null)
lib_libs  = $(eval lib_libs := $(or $(call ask,--libs,lmdb),-llmdb) \
              $(call ask,--libs,jansson libpcre2-8 libxxhash) -lm -pthread)$(lib_libs)
fuse_cflags = $(eval fuse_cflags := $(call ask,--cflags,fuse3))$(fuse_cflags)
fuse_libs   = $(eval fuse_libs := $(call ask,--libs,fuse3))$(fuse_libs)
http_libs   = $(eval http_libs := $(call ask,--libs,libmicrohttpd))$(http_libs)

# What a folder may see: only the library, its unit and fault tests see internal headers (unit tests also
# those of the file system, as "fusefs/..."); everybody else gets a copy of the public header and nothing more.
public        := build/include/store.h
see_libstore  := -Ilibstore
see_cli       := -Ibuild/include
see_fusefs     = -Ibuild/include $(fuse_cflags)
see_httpd     := -Ibuild/include
see_bench     := -Ibuild/include
see_tests/unit    := -Ilibstore -I. -Itests/support
see_tests/fault   := -Ilibstore -Itests/support
see_tests/api     := -Ibuild/include -Itests/support
see_tests/faces   := -Ibuild/include -Itests/support
see_tests/crash   := -Ibuild/include -Itests/support
see_tests/support := -Ibuild/include -Itests/support
folder_of = $(patsubst %/,%,$(dir $1))

sources  = $(sort $(wildcard $(addsuffix /*.c,$1)))
objects  = $(patsubst %.c,$(BUILD)/%.o,$(call sources,$1))

lib_objects   := $(call objects,libstore)
suite_objects := $(call objects,tests/unit tests/api tests/faces tests/fault tests/support)
ifneq ($(MODE),tsan)
suite_objects := $(filter-out %/plain_runner.o,$(suite_objects))
endif
archive  := $(BUILD)/libstore.a
so_name  := libstore.so.$(SOVER)
so_file  := libstore.so.$(VERSION)
shared   := $(BUILD)/$(so_file)
programs := $(if $(call sources,cli),$(BUILD)/storectl) \
            $(if $(call sources,fusefs),$(BUILD)/storefs) \
            $(if $(call sources,httpd),$(BUILD)/storehttp)
# Parts of the file system that unit tests look at; an archive, so that only those are linked.
fs_parts := $(BUILD)/fusefs.a
suite    := $(if $(suite_objects),$(BUILD)/tests/run)
crash    := $(patsubst %.c,$(BUILD)/%,$(call sources,tests/crash))
examples := $(patsubst %.c,$(BUILD)/%,$(call sources,examples))
# Nothing of it is in `all` or `check`: it needs the peers' libraries.
bench      := $(BUILD)/bench/bench
passthrough := $(BUILD)/bench/passthrough_ll
slow_sync  := $(patsubst %.c,$(BUILD)/%.so,$(wildcard bench/slow_sync.c))
man_pages  := $(wildcard man/*.1 man/*.3 man/*.5 man/*.7 man/*.8)
completion := $(wildcard cli/*.bash-completion fusefs/*.bash-completion)
# Functions that tests/fault replaces in the test binary, one name a line.
wrapped  := $(if $(wildcard tests/fault/wrapped),$(shell cat tests/fault/wrapped))
# Every C file that is compiled by the rules below, for tools.
all_c    := $(call sources,libstore cli fusefs httpd tests/unit tests/api tests/faces tests/fault tests/support \
              tests/crash bench)

all: $(archive) $(shared) $(programs) $(examples) $(BUILD)/libstore.pc

# ------------------------------------------------------------------ compile

compile = $(CC) $(cflags) $(see_$(call folder_of,$<)) $(CPPFLAGS) $(CFLAGS) $(mode_flags)
link    = $(CC) -pthread $(CFLAGS) $(mode_flags) $(LDFLAGS)

# These change when the flags do, so that all is compiled anew, and when a file comes or goes,
# so that all is linked anew.
flags := $(BUILD)/flags
files := $(BUILD)/files
$(flags): text = $(CC) $(cflags) $(CPPFLAGS) $(CFLAGS) $(mode_flags) $(LDFLAGS)
$(files): text = $(all_c) $(wrapped)
$(flags) $(files): FORCE
	$(Q)mkdir -p $(@D) && { printf '%s\n' '$(text)' | cmp -s - $@ || printf '%s\n' '$(text)' >$@; }

$(public): libstore/store.h
	$(Q)mkdir -p $(@D) && cp $< $@

$(BUILD)/%.o: %.c $(flags) | $(public)
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(compile) -MMD -MP -c -o $@ $<

# One object in which only the public names are left, so that a program linked with it can
# have a buffer_append() of its own, and a face cannot reach past store.h.
$(archive): $(lib_objects) $(files)
	$(say) AR $@
	$(Q)$(CC) $(CFLAGS) -r -nostdlib -o $(BUILD)/libstore-all.o $(lib_objects) && \
	    $(OBJCOPY) --localize-hidden $(BUILD)/libstore-all.o && \
	    rm -f $@ && $(AR) rcs $@ $(BUILD)/libstore-all.o

# nodelete: the library's per-thread data outlives a dlclose().
$(shared): $(lib_objects) libstore/libstore.map $(files)
	$(say) LD $@
	$(Q)$(link) -shared -Wl,-soname,$(so_name) -Wl,--version-script=libstore/libstore.map \
	    -Wl,-z,nodelete $(if $(filter release,$(MODE)),-Wl$(comma)-z$(comma)defs) \
	    -o $@ $(lib_objects) $(lib_libs)
	$(Q)ln -sf $(so_file) $(BUILD)/$(so_name) && ln -sf $(so_name) $(BUILD)/libstore.so

$(BUILD)/storectl:  $(call objects,cli) $(archive)
$(BUILD)/storefs:   $(call objects,fusefs) $(archive)
$(BUILD)/storehttp: $(call objects,httpd) $(archive)
$(BUILD)/storefs:   face_libs = $(fuse_libs)
$(BUILD)/storehttp: face_libs = $(http_libs)
$(programs): $(files)
	$(say) LD $@
	$(Q)$(link) -o $@ $(filter %.o %.a,$^) $(face_libs) $(lib_libs)

$(fs_parts): $(filter-out %/main.o,$(call objects,fusefs)) $(files)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# The suite sees the internals too.
$(suite): $(suite_objects) $(lib_objects) $(fs_parts) $(files)
	$(say) LD $@
	$(Q)$(link) $(addprefix -Wl$(comma)--wrap=,$(wrapped)) -o $@ $(filter %.o,$^) $(fs_parts) $(lib_libs) -lcriterion

$(crash): $(BUILD)/%: $(BUILD)/%.o $(archive)
	$(say) LD $@
	$(Q)$(link) -o $@ $^ $(lib_libs)

# As a user would: the public header, the shared library, no flags of ours.
$(examples): $(BUILD)/examples/%: examples/%.c $(shared) $(flags) | $(public)
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(CC) -std=c17 -Wall -Wextra -Ibuild/include $(CPPFLAGS) $(CFLAGS) $(mode_flags) \
	    -MMD -MP -MT $@ -o $@ $< $(LDFLAGS) -L$(BUILD) -Wl,-rpath,'$$ORIGIN/..' -lstore -ljansson -pthread

# Each time: prefix may be another one than when all was built.
$(BUILD)/libstore.pc: libstore/libstore.pc.in FORCE
	$(Q)sed -e 's|@prefix@|$(prefix)|' -e 's|@libdir@|$(libdir)|' -e 's|@includedir@|$(incdir)|' \
	    -e 's|@VERSION@|$(VERSION)|' $< >$@

# --------------------------------------------------------------------- test

check: packages
	$(Q)$(MAKE) --no-print-directory test

test: all $(suite) $(crash)
	$(Q)tests/run.sh $(BUILD) '$(FILTER)'

asan:
	$(Q)$(MAKE) --no-print-directory MODE=asan test

cov:
	$(Q)mkdir -p build/cov && find build/cov -name '*.gcda' -delete
	$(Q)$(MAKE) --no-print-directory MODE=cov test
	$(Q)tools/coverage build/cov

# Only what runs threads: everything else is the same with one.
tsan:
	$(Q)$(MAKE) --no-print-directory MODE=tsan FILTER='@(concurrency*|prepared|txn*)/*' test

# -------------------------------------------------------------------- bench

$(bench): $(filter-out $(slow_sync:.so=.o),$(call objects,bench)) $(archive) $(slow_sync) $(files)
	$(say) LD $@
	$(Q)$(link) -o $@ $(filter %.o %.a,$^) $(lib_libs) -lsqlite3 -lrocksdb

$(slow_sync): $(BUILD)/%.so: %.c $(flags)
	$(say) LD $@
	$(Q)mkdir -p $(@D) && $(compile) -fvisibility=default -shared -o $@ $< -ldl

# The peer of storefs is an example of libfuse, of the version that storefs is linked with.
fuse_examples ?= /usr/share/doc/libfuse3-dev/examples
$(passthrough): $(fuse_examples)/passthrough_ll.c
	$(say) CC $<
	$(Q)mkdir -p $(@D) && $(CC) -O2 -o $@ $< $(fuse_cflags) $(fuse_libs) -pthread

bench-packages:
	$(Q)tools/install-packages build bench

bench: bench-packages
	$(Q)$(MAKE) --no-print-directory $(bench)
	$(Q)mkdir -p docs/performance
	$(Q)$(bench) --dir $(BUILD) --json docs/performance/bench.json
	@echo
	$(Q)$(bench) --dir $(BUILD) --json docs/performance/bench-slow.json --slow-sync 1000
	$(Q)bench/plot docs/performance/bench.svg docs/performance/bench.json docs/performance/bench-slow.json
	$(Q)bench/tables docs/performance.md

bench-quick: bench-packages
	$(Q)$(MAKE) --no-print-directory $(bench)
	$(Q)$(bench) --quick --dir $(BUILD)

bench-files: bench-packages
	$(Q)$(MAKE) --no-print-directory $(bench) $(passthrough) $(BUILD)/storefs
	$(Q)mkdir -p docs/performance
	$(Q)$(bench) --files --dir $(BUILD) --json docs/performance/bench-files.json
	$(Q)bench/plot docs/performance/bench-files.svg docs/performance/bench-files.json
	$(Q)bench/tables docs/performance.md

bench-files-quick: bench-packages
	$(Q)$(MAKE) --no-print-directory $(bench) $(passthrough) $(BUILD)/storefs
	$(Q)$(bench) --files --quick --dir $(BUILD)

bench-curve: bench-packages
	$(Q)$(MAKE) --no-print-directory $(bench)
	$(Q)mkdir -p docs/performance
	$(Q)$(bench) --curve --dir $(BUILD) --json docs/performance/curve.json
	$(Q)bench/plot-curve docs/performance/curve.json docs/performance/curve.svg
	$(Q)bench/tables docs/performance.md

demo: packages
	$(Q)$(MAKE) --no-print-directory all
	$(Q)tools/demo

packages:
	$(Q)tools/install-packages build test

# --------------------------------------------------------------------- lint

lint:
	$(Q)tools/install-packages build lint bench
	$(Q)$(MAKE) --no-print-directory tidy $(shared) $(archive)
	$(Q)tools/check-layers
	$(Q)tools/check-headers
	$(Q)tools/check-exports $(BUILD)
	$(Q)if command -v shellcheck >/dev/null; then shellcheck .ci/run bench/plot bench/tables tests/run.sh $$(grep -lE '^#!.*sh$$' tools/*); fi

tidied := $(patsubst %.c,build/tidy/%.ok,$(filter-out tests/%,$(all_c)))
tidy: $(tidied)
build/tidy/%.ok: %.c .clang-tidy $(wildcard libstore/*.h cli/*.h fusefs/*.h httpd/*.h bench/*.h) | $(public)
	$(say) TIDY $<
	$(Q)mkdir -p $(@D) && clang-tidy --quiet $< -- $(cflags) $(see_$(call folder_of,$<)) 2>$@.log || \
	    { cat $@.log; exit 1; }
	$(Q)mv $@.log $@

# In build/, where clangd looks for it.
compile_commands.json: build/compile_commands.json
build/compile_commands.json: FORCE
	$(Q)mkdir -p $(@D) && { echo '['; separator=; \
	    $(foreach c,$(all_c),printf '%s{"directory": "%s", "file": "%s", "command": "%s"}\n' "$$separator" \
	        '$(CURDIR)' '$c' '$(CC) $(cflags) $(see_$(call folder_of,$c)) -c $c'; separator=,;) \
	    echo ']'; } >$@

# ------------------------------------------------------------------ install

install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(libdir)/pkgconfig $(DESTDIR)$(incdir)
	$(if $(programs),$(INSTALL) -m 755 $(programs) $(DESTDIR)$(bindir))
	$(INSTALL) -m 644 libstore/store.h $(DESTDIR)$(incdir)
	$(INSTALL) -m 644 $(archive) $(shared) $(DESTDIR)$(libdir)
	ln -sf $(so_file) $(DESTDIR)$(libdir)/$(so_name)
	ln -sf $(so_name) $(DESTDIR)$(libdir)/libstore.so
	$(INSTALL) -m 644 $(BUILD)/libstore.pc $(DESTDIR)$(libdir)/pkgconfig
	$(foreach page,$(man_pages),$(INSTALL) -D -m 644 $(page) \
	    $(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)) &&) :
	$(foreach file,$(completion),$(INSTALL) -D -m 644 $(file) \
	    $(DESTDIR)$(compdir)/$(basename $(notdir $(file))) &&) :

uninstall:
	rm -f $(addprefix $(DESTDIR)$(bindir)/,$(notdir $(programs))) $(DESTDIR)$(incdir)/store.h
	rm -f $(addprefix $(DESTDIR)$(libdir)/,libstore.a libstore.so $(so_name) $(so_file) pkgconfig/libstore.pc)
	rm -f $(foreach page,$(man_pages),$(DESTDIR)$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))
	rm -f $(addprefix $(DESTDIR)$(compdir)/,$(basename $(notdir $(completion))))

clean:
	rm -rf build

FORCE:
.PHONY: all check test asan tsan cov bench bench-quick bench-files bench-files-quick bench-curve bench-packages demo packages lint tidy install uninstall clean FORCE \
        compile_commands.json
.DELETE_ON_ERROR:
-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
