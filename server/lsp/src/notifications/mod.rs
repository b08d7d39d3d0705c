//! The notifications, a file each. None waits for anything: what takes time is started and goes on by itself.

mod did_change;
mod did_change_configuration;
mod did_change_watched_files;
mod did_change_workspace_folders;
mod did_close;
mod did_open;
mod did_save;
mod initialized;
mod work_done_progress_cancel;

pub(crate) use self::{
    did_change::did_change, did_change_configuration::did_change_configuration,
    did_change_watched_files::did_change_watched_files, did_change_workspace_folders::did_change_workspace_folders,
    did_close::did_close, did_open::did_open, did_save::did_save, initialized::initialized,
    work_done_progress_cancel::work_done_progress_cancel,
};
