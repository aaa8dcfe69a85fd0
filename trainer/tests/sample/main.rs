//! The golden sample: which rows stay, whatever the files, their order, the memory and the engine; and what goes wrong.

mod calibration;
mod files;
mod memory;
mod rows;
mod spark;
mod trouble;
mod validation;
