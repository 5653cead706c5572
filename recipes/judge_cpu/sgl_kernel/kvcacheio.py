"""The submodule that SGLang imports by path; see the package."""

from sgl_kernel import __getattr__ as __getattr__
