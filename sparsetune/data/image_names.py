"""What the names of files and folders say of them: an image that is read, one that is not, or nothing of a user's."""

from __future__ import annotations

_TORCHVISIONS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")  # its ImageFolder's
_ALSO_JPEG = (".jfif", ".jpe", ".jif", ".pjpeg", ".pjp")
ENDINGS = frozenset((*_TORCHVISIONS, *_ALSO_JPEG))
"""Of images that are read."""

_NOT_READ = """
    gif apng avif heic heics heif heifs hif jp2 j2k jpf jpx jpm jpc jxl jxr svg svgz tga ico icns cur pbm pnm pam pfm
    dib eps psd psb xcf dds exr hdr sgi pcx xbm xpm qoi fits fit fts dcm dicom nii mha nrrd czi svs ndpi djvu
    dng cr2 cr3 nef arw orf rw2 raf pef srw raw
"""
OTHERS = frozenset(f".{kind}" for kind in _NOT_READ.split())
"""Of images that are not."""

_SYSTEMS = {
    "__macosx",  # of archives made on a Mac
    "@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot",  # of file servers
    "lost+found", "$recycle.bin", "system volume information",
}  # fmt: skip


def is_no_users(name: str) -> bool:
    """Hidden, or left by an archiver, a file server or an operating system: what is there are copies, no samples."""
    return name.startswith(".") or name.lower() in _SYSTEMS
