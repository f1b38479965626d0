"""Photos of providers, in a partition of their own: reading a practice does not read them."""

from collections.abc import Mapping

from ..domain.errors import NotFound
from . import keys
from .items import TableItem, answered, get, item, query


class DynamoPhotoRepository:
    """Implements ports.PhotoRepository."""

    def get(self, practice: str, digest: str) -> bytes:
        """A photo by the digest of its content. Raises NotFound."""
        found = get(keys.photo(practice, digest), consistent=False)
        if found is None:
            raise NotFound
        return found.body or b""

    def replace(self, practice: str, photos: Mapping[str, bytes]) -> None:
        """Keep these, by digest, and no others."""
        stored = {one.sk for one in query(keys.photo(practice, "").pk, consistent=True)}
        for digest in photos.keys() - stored:
            answered(item(keys.photo(practice, digest), photos[digest]).save)
        for digest in stored - photos.keys():
            answered(TableItem(*keys.photo(practice, digest)).delete)
