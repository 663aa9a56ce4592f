using System.Text.Json.Serialization;
using Stowline.Contracts;

namespace Stowline.Site.Topology;

/// <summary>What a zone is for (W2). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<ZoneType>))]
public enum ZoneType { Receiving = 1, Storage = 2, Picking = 3, Packing = 4, Shipping = 5, Returns = 6, Staging = 7 }

/// <summary>What a zone may hold (W2). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<StorageClass>))]
public enum StorageClass { Standard = 1, Fragile = 2, Hazmat = 3, Cold = 4 }

/// <summary>How a bin is built (W2). Stored: append, never renumber.</summary>
[JsonConverter(typeof(SnakeCaseEnum<BinType>))]
public enum BinType { Floor = 1, Pallet = 2, Shelf = 3, Bin = 4 }

/// <summary>A bin as stock, picking and counting see it.</summary>
/// <param name="Pickable">Its units may go to customers: not locked, available, and in a receiving, storage or picking zone.</param>
/// <param name="BinOrder">Its place in the walk through the site; compares ordinally.</param>
/// <param name="XMm">Position on the floor plan in millimeters, where measured.</param>
/// <param name="Stored">False for a bin that every site has and whose row is not written yet.</param>
public sealed record BinPlace(
    string Code, string Zone, ZoneType ZoneType, bool Pickable, string BinOrder, bool Locked, string? LockReason, long? XMm, long? YMm, bool Stored = true);

/// <summary>A bin whose pickability or place in the walk changed: stock rows carry copies of both.</summary>
public sealed record BinChange(string Bin, bool Pickable, string BinOrder);
