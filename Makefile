# audit_ext: the PostgreSQL extension by PGXS, and the daemon in http_frontend/. `make help` lists the targets.
# It builds in the directory that make runs in: in another one by make -f SOURCES/Makefile, as Debian's pgxs helper does.
EXTENSION = audit_ext
MODULE_big = $(EXTENSION)
sources := $(patsubst %/,%,$(or $(VPATH),$(dir $(firstword $(MAKEFILE_LIST)))))
in_sources = $(patsubst $(sources)/%,%,$(wildcard $(sources)/$(1)))
# The version stands in the control file. Its install script is made of these parts, in this order; updates from other
# versions are scripts of their own: sql/$(EXTENSION)--OLD--NEW.sql.
version := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" $(sources)/$(EXTENSION).control)
parts = extension ids events reading writing append_only partitions configuration status maintenance principals \
  authentication dumps replication rights
install_script = $(EXTENSION)--$(version).sql
DATA_built = $(install_script)
DATA = $(call in_sources,sql/$(EXTENSION)--*--*.sql)

CORE_SOURCES = $(call in_sources,src/core/*.cpp)
GLUE_SOURCES = $(call in_sources,src/pg/*.cpp) $(call in_sources,src/pg/*/*.cpp)
OBJS = $(CORE_SOURCES:.cpp=.o) $(GLUE_SOURCES:.cpp=.o)
# make would take what is built there, maybe for another PostgreSQL, for its own.
built = $(MODULE_big).so $(EXTENSION)--*.sql src/*/*.o src/*/*/*.o
ifneq ($(if $(filter-out . $(CURDIR),$(sources)),$(wildcard $(built:%=$(sources)/%))),)
$(error $(sources) holds a build of its own: make -C $(sources) WITH_HTTPD=no clean)
endif

# Every test there is; the first makes the extension.
names_in = $(basename $(notdir $(wildcard $(sources)/$(1))))
REGRESS = install $(filter-out install,$(call names_in,test/sql/*.sql))
regress_output = $(CURDIR)/build/regress
# Inputs and answers: test/sql and expected; pg_regress of PostgreSQL 15 looks for both below --inputdir, where a link leads to
# the answers.
# The database of the tests is UTF-8 and sorts by bytes, whatever the server's default is.
REGRESS_OPTS = --inputdir=$(sources)/test --outputdir=$(regress_output) --encoding=UTF8 --no-locale
ISOLATION = $(call names_in,test/isolation/specs/*.spec)
ISOLATION_OPTS = --inputdir=$(sources)/test/isolation

PG_CONFIG ?= pg_config
ifneq ($(shell $(PG_CONFIG) --version | sed 's/[^0-9]*\([0-9]*\).*/\1/'),15)
REGRESS_OPTS += --expecteddir=$(sources)
ISOLATION_OPTS += --expecteddir=$(sources)/test/isolation
endif

WARNINGS = -Wall -Wextra -Werror
# Server headers are not ours to warn about: -isystem. longjmp skips destructors and nothing may throw: -fno-exceptions.
PG_CXXFLAGS = -std=c++17 $(WARNINGS) -fno-exceptions -fno-rtti -fvisibility=hidden -fvisibility-inlines-hidden \
  -I$(sources)/src -I$(sources)/src/pg -isystem $(shell $(PG_CONFIG) --includedir-server) -MMD -MP
SHLIB_LINK = -lstdc++
EXTRA_CLEAN = $(OBJS:.o=.d) build

# No JIT bitcode: nothing here is inlined into queries, and PGXS would compile it without the flags above.
override with_llvm = no
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
-include $(OBJS:.o=.d)

# PostgreSQL 15's headers use the register keyword, which C++17 has dropped.
src/pg/%.o: PG_CXXFLAGS += -Wno-register

installcheck: | $(regress_output)
$(regress_output):
	mkdir -p $@

$(install_script): $(parts:%=$(sources)/sql/%.sql) $(sources)/$(EXTENSION).control
	cat $(parts:%=$(sources)/sql/%.sql) >$@

# Absolute: make would find those of the sources otherwise.
object_directories = $(addprefix $(CURDIR)/,$(sort $(dir $(OBJS))))
$(OBJS): | $(object_directories)
$(object_directories):
	mkdir -p $@

.PHONY: help httpd unit lint format deb dist
.DEFAULT_GOAL := all

# WITH_HTTPD=no builds and installs the extension alone.
ifneq ($(WITH_HTTPD),no)
all: httpd
install: install-httpd
uninstall: uninstall-httpd
clean: clean-httpd
endif

httpd:
	$(MAKE) -C $(sources)/http_frontend

install-httpd uninstall-httpd clean-httpd: %-httpd:
	$(MAKE) -C $(sources)/http_frontend $*

unit:
	$(MAKE) -C $(sources)/test/unit run

lint:
	$(sources)/scripts/lint

format:
	find src http_frontend test/unit test/fuzz -name '*.[ch]pp' -exec clang-format -i {} +

# Packages of Debian, in build/deb, for the PostgreSQL of the release that this runs on. Nothing is built or changed in the
# sources themselves.
deb_sources = build/deb/audit-ext-$(version)
deb:
	rm -rf build/deb
	mkdir -p $(deb_sources)
	git ls-files -z --cached --others --exclude-standard | tar --null --files-from=- -c | tar -C $(deb_sources) -x
	cd $(deb_sources) && pg_buildext updatecontrol && dpkg-buildpackage -us -uc

# The archive for PGXN: what is committed.
dist:
	mkdir -p build
	git archive --prefix=$(EXTENSION)-$(version).0/ --output=build/$(EXTENSION)-$(version).0.zip HEAD

help:
	@echo "make                 build the extension and the daemon (WITH_HTTPD=no: the extension alone)"
	@echo "make install         install them (as root); PG_CONFIG=... for another PostgreSQL"
	@echo "make installcheck    run the pg_regress and isolation suites on the running server that PGHOST, PGPORT name"
	@echo "make unit            build and run the GoogleTest suites"
	@echo "make lint            check format, includes, exports, SQL scripts and test lists"
	@echo "make format          format all C++ with clang-format"
	@echo "make deb             build Debian packages in build/deb"
	@echo "make dist            build the archive for PGXN, build/$(EXTENSION)-$(version).0.zip"
	@echo "make clean           remove what was built"
	@echo "scripts/demo         everything at once: server, extension, events, daemon (--help)"
	@echo "scripts/check        every test there is, against a throw-away server"
