"""What a GGUF file says of itself: its name, license and base; nothing that nobody knows."""

from dataclasses import dataclass

from gguf import GGUFWriter
from gguf.utility import size_label


@dataclass(frozen=True)
class About:
    """A model's name, its license in the hub's words, and its base: a hub id or a folder's name."""

    name: str
    license: str | None
    base: str

    def put(self, writer: GGUFWriter, parameters: int) -> None:
        """Write it, and how large the model is."""
        writer.add_type("model")
        writer.add_name(self.name)
        writer.add_size_label(size_label(parameters, parameters, 0, 0))
        if self.license:
            writer.add_license(self.license)
        writer.add_base_model_count(1)
        organization, _, name = self.base.rpartition("/")
        writer.add_base_model_name(0, name)
        if organization:
            writer.add_base_model_organization(0, organization)
            writer.add_base_model_repo_url(0, f"https://huggingface.co/{self.base}")
