//! Files of components: the library's, with what names a path told.

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    Filesize, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::ending::Base;
use crate::call::Decision;

/// A part of a store's data.
pub(super) struct Files;

/// See above.
pub(super) struct FilesView<'a> {
    pub(super) inner: WasiFilesystemCtxView<'a>,
    pub(super) base: &'a mut Base,
}

impl HasData for Files {
    type Data<'a> = FilesView<'a>;
}

type Fd = Resource<Descriptor>;

impl FilesView<'_> {
    fn two(&self, (from, old): (&Fd, &str), (to, new): (&Fd, &str)) -> String {
        format!("{} -> {}", self.base.whole_path(from.rep(), old), self.base.whole_path(to.rep(), new))
    }

    fn tell<T>(&mut self, name: &str, arguments: String, at_ms: f64, result: FsResult<T>) -> FsResult<T> {
        let decision = match &result {
            Ok(_) => Decision::Allowed,
            Err(error) => match error.downcast_ref() {
                Some(ErrorCode::Access | ErrorCode::NotPermitted) => Decision::Denied(
                    "it is outside the folders that the tool is given, or in one that is only read; \
                     `capabilities.filesystem.read_roots` and `write_roots` give folders"
                        .to_owned(),
                ),
                Some(code) => Decision::Failed(code.name().to_owned()),
                None => Decision::Failed("the host failed".to_owned()),
            },
        };
        self.base.end(name, arguments, decision, at_ms);
        result
    }

    /// The path of what is open as `fd`, from the top.
    fn path(&self, fd: &Fd) -> String {
        self.base.path_of(fd.rep()).unwrap_or_default()
    }
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let given = preopens::Host::get_directories(&mut self.inner)?;
        for (fd, guest) in &given {
            self.base.opens(fd.rep(), guest.clone());
        }
        Ok(given)
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.inner.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        self.inner.filesystem_error_code(error)
    }
}

impl HostDescriptor for FilesView<'_> {
    async fn open_at(
        &mut self,
        fd: Fd,
        path_flags: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        let named = self.base.whole_path(fd.rep(), &path);
        let at = self.base.begin("open", &named);
        let result = self.inner.open_at(fd, path_flags, path, how, flags).await;
        if let Ok(opened) = &result {
            self.base.opens(opened.rep(), named.clone());
        }
        self.tell("open", named, at, result)
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.create_directory_at(fd, path).await;
        self.tell("mkdir", named, at, result)
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.remove_directory_at(fd, path).await;
        self.tell("rmdir", named, at, result)
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.unlink_file_at(fd, path).await;
        self.tell("unlink", named, at, result)
    }

    async fn rename_at(&mut self, fd: Fd, old: String, new_fd: Fd, new: String) -> FsResult<()> {
        let (at, paths) = (self.base.at_ms(), self.two((&fd, &old), (&new_fd, &new)));
        let result = self.inner.rename_at(fd, old, new_fd, new).await;
        self.tell("rename", paths, at, result)
    }

    async fn link_at(&mut self, fd: Fd, flags: PathFlags, old: String, new_fd: Fd, new: String) -> FsResult<()> {
        let (at, paths) = (self.base.at_ms(), self.two((&fd, &old), (&new_fd, &new)));
        let result = self.inner.link_at(fd, flags, old, new_fd, new).await;
        self.tell("link", paths, at, result)
    }

    async fn symlink_at(&mut self, fd: Fd, old: String, new: String) -> FsResult<()> {
        // What a link says is a text; where that leads is seen when it is followed.
        let (at, paths) = (self.base.at_ms(), format!("{old} -> {}", self.base.whole_path(fd.rep(), &new)));
        let result = self.inner.symlink_at(fd, old, new).await;
        self.tell("symlink", paths, at, result)
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        self.inner.read_via_stream(fd, offset)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        self.inner.write_via_stream(fd, offset)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        self.inner.append_via_stream(fd)
    }

    async fn advise(&mut self, fd: Fd, offset: Filesize, length: Filesize, advice: Advice) -> FsResult<()> {
        self.inner.advise(fd, offset, length, advice).await
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.inner.sync_data(fd).await
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.inner.get_flags(fd).await
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        self.inner.get_type(fd).await
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        let (at, path) = (self.base.at_ms(), self.path(&fd));
        let result = self.inner.set_size(fd, size).await;
        self.tell("set-size", path, at, result)
    }

    async fn set_times(&mut self, fd: Fd, accessed: NewTimestamp, modified: NewTimestamp) -> FsResult<()> {
        let (at, path) = (self.base.at_ms(), self.path(&fd));
        let result = self.inner.set_times(fd, accessed, modified).await;
        self.tell("set-times", path, at, result)
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.set_times_at(fd, flags, path, accessed, modified).await;
        self.tell("set-times", named, at, result)
    }

    async fn read(&mut self, fd: Fd, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        HostDescriptor::read(&mut self.inner, fd, length, offset).await
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        HostDescriptor::write(&mut self.inner, fd, bytes, offset).await
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<DirectoryEntryStream>> {
        let (at, path) = (self.base.at_ms(), self.path(&fd));
        let result = self.inner.read_directory(fd).await;
        self.tell("readdir", path, at, result)
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.inner.sync(fd).await
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        let (at, path) = (self.base.at_ms(), self.path(&fd));
        let result = self.inner.stat(fd).await;
        self.tell("stat", path, at, result)
    }

    async fn stat_at(&mut self, fd: Fd, flags: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.stat_at(fd, flags, path).await;
        self.tell("stat", named, at, result)
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.readlink_at(fd, path).await;
        self.tell("readlink", named, at, result)
    }

    async fn is_same_object(&mut self, one: Fd, other: Fd) -> wasmtime::Result<bool> {
        self.inner.is_same_object(one, other).await
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        let (at, path) = (self.base.at_ms(), self.path(&fd));
        let result = self.inner.metadata_hash(fd).await;
        self.tell("metadata-hash", path, at, result)
    }

    async fn metadata_hash_at(&mut self, fd: Fd, flags: PathFlags, path: String) -> FsResult<MetadataHashValue> {
        let (at, named) = (self.base.at_ms(), self.base.whole_path(fd.rep(), &path));
        let result = self.inner.metadata_hash_at(fd, flags, path).await;
        self.tell("metadata-hash", named, at, result)
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        self.base.closes(fd.rep());
        HostDescriptor::drop(&mut self.inner, fd)
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        stream: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.inner.read_directory_entry(stream).await
    }

    fn drop(&mut self, stream: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.inner, stream)
    }
}
