"""A Conan 2 recipe for libropeway: `conan create packaging/conan` in the source's root. Cargo must be on PATH."""

import os
import re

from conan import ConanFile
from conan.tools.files import copy, load


class Ropeway(ConanFile):
    name = "ropeway"
    description = "WebSocket client and server behind one descriptor, with a stable C interface"
    license = "MIT OR Apache-2.0"
    settings = "os", "arch"
    package_type = "shared-library"

    @property
    def _root(self):
        return os.path.join(self.recipe_folder, "..", "..")

    def set_version(self):
        manifest = load(self, os.path.join(self._root, "Cargo.toml"))
        self.version = re.search(r'\[workspace\.package\]\nversion = "([^"]+)"', manifest)[1]

    def export_sources(self):
        for pattern in "Cargo.*", "core/*", "relay/*", "ffi/*", "cli/*", "fuzz/*", "bindings/*", "include/*", "tools/*", "LICENSE*":
            copy(self, pattern, self._root, self.export_sources_folder, excludes=("*/node_modules/*", "*/target/*"))

    def build(self):
        self.run("cargo build --release --locked --package ropeway-ffi", cwd=self.source_folder)

    def package(self):
        self.run(f"tools/install {self.package_folder}", cwd=self.source_folder)
        copy(self, "LICENSE*", self.source_folder, os.path.join(self.package_folder, "licenses"))

    def package_info(self):
        self.cpp_info.libs = ["ropeway"]
        self.cpp_info.set_property("cmake_file_name", "Ropeway")
        self.cpp_info.set_property("cmake_target_name", "Ropeway::ropeway")
        self.cpp_info.set_property("pkg_config_name", "ropeway")
