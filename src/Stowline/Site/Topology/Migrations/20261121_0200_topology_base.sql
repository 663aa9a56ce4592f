-- W2: a site's zones and bins. Positions are whole millimeters, so that both databases keep and compare them exactly.
CREATE TABLE zones (
    site              {text} NOT NULL,
    code              {text} NOT NULL,
    name              {text} NOT NULL,
    type              {int} NOT NULL,
    storage_class     {int} NOT NULL,
    temperature_min_c {double},
    temperature_max_c {double},
    humidity_min      {double},
    humidity_max      {double},
    area_m2           {double},
    max_weight_g      {bigint},
    updated_at        {time} NOT NULL,
    PRIMARY KEY (site, code)
) {without_rowid};

-- pickable and bin_order follow from the other columns and the zone's type; they are kept because stock rows carry copies of them.
CREATE TABLE bins (
    site         {text} NOT NULL,
    code         {text} NOT NULL,
    zone         {text} NOT NULL,
    type         {int} NOT NULL,
    aisle        {text},
    position     {text},
    level        {text},
    x_mm         {bigint},
    y_mm         {bigint},
    barcode      {text},
    width_mm     {bigint},
    height_mm    {bigint},
    depth_mm     {bigint},
    max_weight_g {bigint},
    available    {bool} NOT NULL,
    locked       {bool} NOT NULL,
    lock_reason  {text},
    pickable     {bool} NOT NULL,
    bin_order    {text} NOT NULL,
    updated_at   {time} NOT NULL,
    PRIMARY KEY (site, code)
) {without_rowid};

CREATE UNIQUE INDEX bins_barcode ON bins (site, barcode) WHERE barcode IS NOT NULL;
CREATE INDEX bins_zone ON bins (site, zone, code);
